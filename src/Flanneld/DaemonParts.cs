using Flannel.Core;

namespace Flanneld;

/// <summary>What runs beside the node, watched from the moment it is added. A part that fails, or is cancelled before a stop, ends the
/// daemon: nothing else would do its work, and nobody would see that. A part that completes has done its work.</summary>
/// <param name="stop">Once it is requested, a part may end by cancellation.</param>
internal sealed class DaemonParts(CancellationToken stop)
{
    private readonly Lock gate = new();
    private readonly List<Task> parts = [];
    private readonly TaskCompletionSource<string?> fault = new();

    /// <param name="name">For the line that says which part has ended.</param>
    /// <param name="task">Ends by cancellation after a stop, or completes when its work is done.</param>
    public void Add(string name, Task task)
    {
        var watch = WatchAsync(name, task);
        lock (gate) parts.Add(watch);
    }

    /// <summary>Why the daemon ends: what the node says, or the name of a part that was cancelled by something else than a stop.</summary>
    /// <param name="node">May go on adding parts.</param>
    /// <exception cref="PartFailedException">A part failed.</exception>
    /// <exception cref="Exception">That of the node.</exception>
    public async Task<string?> FirstEndAsync(Task<string?> node)
    {
        lock (gate) parts.Add(node);
        var first = await Task.WhenAny(node, fault.Task);
        return first == node ? await node : await fault.Task;
    }

    /// <summary>Completes when all parts have ended, however they did, also those that are added meanwhile.</summary>
    public async Task EndAsync()
    {
        for (var ended = 0; ;)
        {
            Task[] all;
            lock (gate) all = [.. parts];
            if (all.Length == ended) return;
            await Task.WhenAll(all).ConfigureAwait(TaskWait.IgnoringFailure);
            ended = all.Length;
        }
    }

    private async Task WatchAsync(string name, Task part)
    {
        await part.ConfigureAwait(TaskWait.IgnoringFailure);
        if (part.Exception?.InnerException is { } failure) fault.TrySetException(new PartFailedException(name, failure));
        else if (part.IsCanceled && !stop.IsCancellationRequested)
            fault.TrySetResult(InternalError.Line($"{name} was cancelled without a stop"));
    }
}
