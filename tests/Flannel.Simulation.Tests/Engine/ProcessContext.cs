using Flannel.RouteController.Execution;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>One process: its continuations run by the scheduler, as long as it lives. Killed, it never runs again, wherever it was
/// awaiting.</summary>
internal sealed class ProcessContext(Scheduler scheduler) : SynchronizationContext
{
    private readonly List<(object? Stream, Action Act)> waiting = [];
    private TimeSpan? resumedAt;
    private TimeSpan? suspendedAt;
    private TimeSpan suspended;

    public bool IsDead { get; private set; }

    /// <summary>Set by each step that it makes; cleared by whoever looks at what it did.</summary>
    public bool HasRun { get; set; }

    /// <summary>Stopped by a signal, or starved: nothing reaches it until it goes on.</summary>
    public bool IsPaused { get; private set; }

    public override void Post(SendOrPostCallback d, object? state) => scheduler.Post(this, d, state);

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException();

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Something from outside: an answer, a timer.</summary>
    /// <param name="stream">What it is part of, in order; null for what comes by itself.</param>
    public void Deliver(Action act, object? stream = null)
    {
        if (IsDead) return;
        if (IsPaused) waiting.Add((stream, act));
        else act();
    }

    /// <summary>Whether it is paused, or was at or after a time.</summary>
    public bool WasPausedAfter(TimeSpan time) => IsPaused || resumedAt >= time;

    /// <summary>For how long its machine has been suspended since it started: timers stand still then, the clock does not.</summary>
    public TimeSpan Suspended => suspended + (scheduler.Now - suspendedAt ?? TimeSpan.Zero);

    /// <summary>When its machine last continued after it was suspended; null if it never was.</summary>
    public TimeSpan? ResumedFromSuspendAt { get; private set; }

    public void Kill() => IsDead = true;

    public void Pause() => IsPaused = true;

    /// <summary>Its machine is suspended.</summary>
    public void Suspend()
    {
        Pause();
        suspendedAt = scheduler.Now;
    }

    /// <summary>What waited comes all at once, in any order but that of its stream.</summary>
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
            var at = scheduler.Random.Next(waiting.Count);
            if (waiting[at].Stream is { } stream) at = waiting.FindIndex(other => other.Stream == stream);
            var act = waiting[at].Act;
            waiting.RemoveAt(at);
            act();
        }
    }
}
