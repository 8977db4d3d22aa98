namespace Flannel.Simulation.Tests.Engine;

/// <summary>A machine's clocks: the monotonic one goes with the history's, the wall clock wherever somebody sets it.</summary>
internal sealed class ProcessClock(Scheduler scheduler, ProcessContext? context, Func<TimeSpan> wallClockError) : TimeProvider
{
    private static readonly DateTimeOffset Epoch = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    // Machines have not started together.
    private readonly long offset = scheduler.Random.NextInt64(TimeSpan.TicksPerDay);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp()
    {
        scheduler.CountWork();
        return offset + scheduler.Now.Ticks;
    }

    public override DateTimeOffset GetUtcNow() => Epoch + scheduler.Now + wallClockError();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (period != Timeout.InfiniteTimeSpan && period != TimeSpan.Zero) throw new NotSupportedException("a timer that repeats");
        var timer = new OneShot(scheduler, context!, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class OneShot(Scheduler scheduler, ProcessContext context, TimerCallback callback, object? state) : ITimer
    {
        private Planned? planned;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Dispose();
            if (dueTime == Timeout.InfiniteTimeSpan) return true;
            Planned? mine = null;
            mine = planned = scheduler.After(dueTime, () => context.Deliver(() =>
            {
                if (!mine!.Cancelled) callback(state);
            }));
            return true;
        }

        public void Dispose()
        {
            if (planned is not null) planned.Cancelled = true;
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
