namespace Flannel.Simulation.Tests.Engine;

/// <summary>One process: its continuations run by the scheduler, as long as it lives. Killed, it never runs again, wherever it was
/// awaiting.</summary>
internal sealed class ProcessContext(Scheduler scheduler) : SynchronizationContext
{
    private readonly List<(object? Stream, Action Act)> waiting = [];
    private TimeSpan? resumedAt;

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

    public void Kill() => IsDead = true;

    public void Pause() => IsPaused = true;

    /// <summary>What waited comes all at once, in any order but that of its stream.</summary>
    public void GoOn()
    {
        if (IsPaused) resumedAt = scheduler.Now;
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
