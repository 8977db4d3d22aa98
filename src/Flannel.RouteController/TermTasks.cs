using Flannel.Core;
using Flannel.RouteController.Abstractions;

namespace Flannel.RouteController;

/// <summary>The tasks of one term. The first that ends says why the term ends. Disposing of this cancels the others and waits for them, so
/// that nothing of a term outlives it.</summary>
/// <remarks>Not thread-safe: its owner starts all tasks.</remarks>
internal sealed class TermTasks(CancellationToken cancellation) : IAsyncDisposable
{
    private readonly CancellationTokenSource source = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
    private readonly List<Task<TermResult>> running = [];

    public void Start(Func<CancellationToken, Task<TermResult>> task) => running.Add(task(source.Token));

    /// <summary>The result of the first task that ends. Throws what that task throws.</summary>
    public async Task<TermResult> FirstResultAsync() => await await Task.WhenAny(running);

    /// <summary>The same, but null if <paramref name="other"/> completes before any task ends.</summary>
    public async Task<TermResult?> FirstResultUnlessAsync(Task other)
    {
        var first = await Task.WhenAny(running.Append<Task>(other));
        if (first is Task<TermResult> ended) return await ended;
        await other;
        return null;
    }

    public async ValueTask DisposeAsync()
    {
        source.Cancel();
        foreach (var task in running) await ((Task)task).ConfigureAwait(TaskWait.IgnoringFailure);
        source.Dispose();
    }
}
