using Flannel.Core;

namespace Flannel.RouteController.Infrastructure;

/// <summary>An event that releases one waiter and is then reset. It stays set while there is no waiter.</summary>
/// <remarks><see cref="Set"/> and <see cref="Clear"/> are thread-safe; only one task may wait.</remarks>
internal sealed class AsyncAutoResetEvent(TimeProvider time)
{
    private readonly Lock gate = new();
    private TaskCompletionSource<bool>? waiter;
    private bool isSet;

    public void Set()
    {
        TaskCompletionSource<bool>? released;
        lock (gate)
        {
            isSet = true;
            released = waiter;
        }

        released?.TrySetResult(true);
    }

    /// <summary>Resets the event. Called before everything is read again.</summary>
    public void Clear()
    {
        lock (gate) isSet = false;
    }

    /// <returns>True if the event was set, which resets it; false after <paramref name="limit"/>.</returns>
    public async Task<bool> WaitAsync(TimeSpan limit, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var waiting = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            if (isSet)
            {
                isSet = false;
                return true;
            }

            if (limit <= TimeSpan.Zero) return false;
            waiter = waiting;
        }

        using var timer = time.CreateTimer(_ => waiting.TrySetResult(false), null, TimerRange.Clamp(limit), Timeout.InfiniteTimeSpan);
        using var stop = cancellation.Register(() => waiting.TrySetCanceled(cancellation));
        bool wasSet;
        try
        {
            wasSet = await waiting.Task;
        }
        finally
        {
            lock (gate) waiter = null;
        }

        // A Set between the release and this line counts as one with the first: the waiter has not read anything yet.
        if (wasSet) Clear();
        return wasSet;
    }
}
