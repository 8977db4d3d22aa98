using Flannel.Core;

namespace Flanneld;

/// <summary>What runs beside the node's own loop. A part that fails, or is cancelled before a stop, ends the daemon: nothing else would do
/// its work, and nobody would see that. A part that completes has done its work.</summary>
/// <param name="stop">Once it is requested, a part may end by cancellation.</param>
internal sealed class DaemonParts(CancellationToken stop)
{
    private readonly List<Part> parts = [];

    /// <param name="name">For the line that says which part has ended.</param>
    /// <param name="task">Ends by cancellation after a stop, or completes when its work is done.</param>
    public void Add(string name, Task task) => parts.Add(new Part(name, task));

    /// <summary>Why the daemon ends: what the node's loop says, or the name of a part that was cancelled by something else than a
    /// stop.</summary>
    /// <exception cref="Exception">That of the loop or of a part that failed.</exception>
    public async Task<string> FirstEndAsync(Task<string> node)
    {
        var running = parts.ToList();
        parts.Add(new Part("the node's loop", node));
        while (true)
        {
            var ended = await Task.WhenAny([node, .. running.Select(part => part.Task)]);
            if (ended == node) return await node;
            var part = running.First(other => other.Task == ended);
            if (ended.IsFaulted) await ended;
            if (ended.IsCanceled && !stop.IsCancellationRequested)
                return $"internal error (please report): {part.Name} was cancelled without a stop";
            running.Remove(part);
        }
    }

    /// <summary>Completes when all parts have ended, however they did.</summary>
    public async Task EndAsync() =>
        await Task.WhenAll(parts.Select(part => part.Task)).ConfigureAwait(TaskWait.IgnoringFailure);

    private sealed record Part(string Name, Task Task);
}
