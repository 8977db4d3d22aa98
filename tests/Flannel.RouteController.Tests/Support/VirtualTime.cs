namespace Flannel.RouteController.Tests.Support;

/// <summary>A schedule on one thread in which time passes only when no task can run: then it jumps to the next timer. Hours take
/// milliseconds, and every run has the same order and duration. (FakeTimeProvider does not tell when its next timer is due.)</summary>
/// <remarks>Without assertions of a test framework: the benchmarks use it, too.</remarks>
internal sealed class VirtualTime : TimeProvider
{
    private const int MostReadings = 5_000_000;
    private const int MostSteps = 5_000_000;

    private static readonly DateTimeOffset Start = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private readonly PriorityQueue<VirtualTimer, (long Due, long Order)> timers = new();
    private readonly Queue<(SendOrPostCallback Callback, object? State)> posts = new();
    private long now;
    private long order;
    private int readings;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How often a timer has fired. A busy loop of timers shows here, because it takes no time.</summary>
    public long Wakes { get; private set; }

    public TimeSpan Elapsed => TimeSpan.FromTicks(now);

    public override long GetTimestamp()
    {
        // Detects a task that never waits: it does not return to Run, which counts the steps.
        if (++readings >= MostReadings) throw new InvalidOperationException($"a loop spins at {Elapsed}");
        return now;
    }

    public override DateTimeOffset GetUtcNow() => Start.AddTicks(now);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new VirtualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Runs a test to its end; everything that it awaits must depend on this time only.</summary>
    public static void Run(Func<VirtualTime, Task> test)
    {
        var time = new VirtualTime();
        var outer = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(new Context(time));
        try
        {
            var task = test(time);
            for (var steps = 0; !task.IsCompleted; steps++)
            {
                if (time.posts.TryDequeue(out var post)) post.Callback(post.State);
                else if (!time.Jump()) throw new InvalidOperationException("no task can run, now or later, and the test has not ended");
                if (steps >= MostSteps) throw new InvalidOperationException($"a loop spins at {time.Elapsed}");
            }

            task.GetAwaiter().GetResult();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    /// <summary>Waits for a condition: checks it every virtual millisecond for ten seconds, then every tenth of a second.</summary>
    public async Task Until(Func<bool> condition, TimeSpan? limit = null)
    {
        var soon = now + TimeSpan.TicksPerSecond * 10;
        var end = now + (limit ?? TimeSpan.FromMinutes(30)).Ticks;
        while (!condition())
        {
            if (now >= end) throw new InvalidOperationException($"the condition did not come true by {Elapsed}");
            await Task.Delay(TimeSpan.FromMilliseconds(now < soon ? 1 : 100), this);
        }
    }

    public Task Pass(TimeSpan span) => Task.Delay(span, this);

    private bool Jump()
    {
        if (!timers.TryDequeue(out var timer, out var due)) return false;
        if (!timer.IsDue(due.Due)) return true;
        now = Math.Max(now, due.Due);
        readings = 0;
        var context = SynchronizationContext.Current;
        // As on a timer's thread: continuations with ConfigureAwait(false) run here instead of on the thread pool.
        SynchronizationContext.SetSynchronizationContext(null);
        Wakes++;
        timer.Fire();
        SynchronizationContext.SetSynchronizationContext(context);
        return true;
    }

    private sealed class VirtualTimer(VirtualTime time, TimerCallback callback, object? state) : ITimer
    {
        private long due = -1;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (period != Timeout.InfiniteTimeSpan) throw new NotSupportedException("a timer with a period");
            due = dueTime == Timeout.InfiniteTimeSpan ? -1 : time.now + dueTime.Ticks;
            if (due >= 0) time.timers.Enqueue(this, (due, time.order++));
            return true;
        }

        public bool IsDue(long moment) => due == moment;

        public void Fire()
        {
            due = -1;
            callback(state);
        }

        public void Dispose() => due = -1;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }

    private sealed class Context(VirtualTime time) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state) => time.posts.Enqueue((d, state));

        public override void Send(SendOrPostCallback d, object? state) => d(state);
    }
}
