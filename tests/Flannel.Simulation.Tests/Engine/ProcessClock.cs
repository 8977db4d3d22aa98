namespace Flannel.Simulation.Tests.Engine;

/// <summary>The clocks of a machine: a monotonic clock that follows the history, and a wall clock with an error.</summary>
internal sealed class ProcessClock(Scheduler scheduler, ProcessContext? context, Func<TimeSpan> wallClockError) : TimeProvider
{
    private static readonly DateTimeOffset Epoch = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    // Machines booted at different times.
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
        var timer = new OneShotTimer(scheduler, context!, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class OneShotTimer(Scheduler scheduler, ProcessContext context, TimerCallback callback, object? state) : ITimer
    {
        private ScheduledAction? scheduled;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Dispose();
            if (dueTime == Timeout.InfiniteTimeSpan) return true;
            Plan(dueTime);
            return true;
        }

        /// <summary>A timer does not count the time during which the machine is suspended.</summary>
        private void Plan(TimeSpan wait)
        {
            var due = scheduler.Now + wait - context.Suspended;
            ScheduledAction? current = null;
            current = scheduled = scheduler.After(wait, () => context.Deliver(() =>
            {
                if (current!.Cancelled) return;
                var left = due + context.Suspended - scheduler.Now;
                if (left > TimeSpan.Zero) Plan(left);
                else callback(state);
            }));
        }

        public void Dispose()
        {
            if (scheduled is not null) scheduled.Cancelled = true;
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
