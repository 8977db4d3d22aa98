using Flannel.Core;

namespace Flanneld.Commands.Check;

/// <summary>A part of the check with a time limit of its own, so that nothing that hangs keeps the other parts from being
/// reported.</summary>
/// <param name="kind">Reported as unknown if the part takes too long.</param>
internal sealed class CheckPart(CheckKind kind, TimeSpan limit, CheckSection section, TimeProvider time)
{
    /// <summary>The results of the part, in the report's order.</summary>
    public CheckSection Section => section;

    /// <summary>Runs the part on another thread: it may block, for example in the read of a file.</summary>
    /// <returns>Null if it took too long.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<T?> RunAsync<T>(Func<CheckSection, CancellationToken, Task<T?>> check, CancellationToken cancellation)
        where T : class
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var running = Task.Run(() => check(section, stop.Token), CancellationToken.None);
        await TaskWait.WaitAsync(running, limit, time, cancellation);
        if (running.IsCompleted) return await running;
        section.Close(CheckResult.Unknown(kind, $"timed out after {limit.TotalSeconds:0} s"));
        await stop.CancelAsync();
        return null;
    }

    /// <summary>The same for a part without a result.</summary>
    public Task RunAsync(Func<CheckSection, CancellationToken, Task> check, CancellationToken cancellation) => RunAsync<CheckSection>(
        async (results, stop) =>
        {
            await check(results, stop);
            return results;
        },
        cancellation);
}
