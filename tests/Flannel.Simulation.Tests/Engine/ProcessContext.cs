namespace Flannel.Simulation.Tests.Engine;

/// <summary>The SynchronizationContext of one process: the scheduler runs its continuations. After a kill none of them runs.</summary>
internal sealed class ProcessContext(Scheduler scheduler) : SynchronizationContext
{
    private readonly List<(object? Stream, Action Callback)> waiting = [];
    private TimeSpan? resumedAt;
    private TimeSpan? suspendedAt;
    private TimeSpan suspended;

    public bool IsDead { get; private set; }

    /// <summary>Set by each step of the process; cleared by the invariants.</summary>
    public bool HasRun { get; set; }

    /// <summary>Whether the process is stopped by a signal or suspended: nothing is delivered until it resumes.</summary>
    public bool IsPaused { get; private set; }

    public override void Post(SendOrPostCallback d, object? state) => scheduler.Post(this, d, state);

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException();

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Delivers an external event: a response or a timer.</summary>
    /// <param name="stream">The stream in which events keep their order; null for an independent event.</param>
    public void Deliver(Action callback, object? stream = null)
    {
        if (IsDead) return;
        if (IsPaused) waiting.Add((stream, callback));
        else callback();
    }

    /// <summary>Whether the process is paused, or was paused at or after a time.</summary>
    public bool WasPausedAfter(TimeSpan time) => IsPaused || resumedAt >= time;

    /// <summary>The total time for which its machine was suspended: timers stop then, the clock does not.</summary>
    public TimeSpan Suspended => suspended + (scheduler.Now - suspendedAt ?? TimeSpan.Zero);

    /// <summary>When its machine was last resumed from suspend; null if never.</summary>
    public TimeSpan? ResumedFromSuspendAt { get; private set; }

    public void Kill() => IsDead = true;

    public void Pause() => IsPaused = true;

    /// <summary>Suspends its machine.</summary>
    public void Suspend()
    {
        Pause();
        suspendedAt = scheduler.Now;
    }

    /// <summary>Delivers all waiting events in random order, but those of a stream in their order.</summary>
    public void Resume()
    {
        if (IsPaused) resumedAt = scheduler.Now;
        if (suspendedAt is not null)
        {
            suspended = Suspended;
            ResumedFromSuspendAt = scheduler.Now;
            suspendedAt = null;
        }

        IsPaused = false;
        while (waiting.Count > 0)
        {
            var index = scheduler.Random.Next(waiting.Count);
            if (waiting[index].Stream is { } stream) index = waiting.FindIndex(other => other.Stream == stream);
            var callback = waiting[index].Callback;
            waiting.RemoveAt(index);
            callback();
        }
    }
}
