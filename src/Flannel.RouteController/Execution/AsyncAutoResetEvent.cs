using Flannel.Core;

namespace Flannel.RouteController.Execution;

/// <summary>Wakes one sleeper, and remembers a call that came while nobody slept.</summary>
internal sealed class AsyncAutoResetEvent(TimeProvider time)
{
    private readonly Lock gate = new();
    private TaskCompletionSource<bool>? sleeper;
    private bool isSet;

    public void Set()
    {
        TaskCompletionSource<bool>? waking;
        lock (gate)
        {
            isSet = true;
            waking = sleeper;
        }

        waking?.TrySetResult(true);
    }

    /// <summary>Forgets calls so far: the caller is about to look at everything anyway.</summary>
    public void Clear()
    {
        lock (gate) isSet = false;
    }

    /// <summary>True when called (the call is used up), false after <paramref name="limit"/>.</summary>
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
            sleeper = waiting;
        }

        using var timer = time.CreateTimer(_ => waiting.TrySetResult(false), null, TimerRange.Clamp(limit), Timeout.InfiniteTimeSpan);
        using var stop = cancellation.Register(() => waiting.TrySetCanceled(cancellation));
        bool called;
        try
        {
            called = await waiting.Task;
        }
        finally
        {
            lock (gate) sleeper = null;
        }

        // Calls between the waking and here are one with it: the sleeper has not looked at anything yet.
        if (called) Clear();
        return called;
    }
}
