using System.Globalization;

namespace Flannel.Core;

/// <summary>Detects loops that hang. Each loop reports how long it is going to wait before it waits, and that it is busy when it works. A
/// loop that stays in either for much longer hangs. A long wait is therefore not a hang, and one watchdog keep-alive covers all loops.
/// Thread-safe.</summary>
public sealed class LivenessMonitor(TimeProvider time)
{
    /// <summary>How late a wait may end on a busy machine.</summary>
    public static readonly TimeSpan Slack = TimeSpan.FromMinutes(1);

    // A longer wait ends only by an event.
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(365);

    private readonly Lock gate = new();
    private readonly List<MonitoredLoop> loops = [];

    /// <summary>A line that names a loop that hangs and since when; null if none hangs.</summary>
    public string? Hung
    {
        get
        {
            var now = time.GetTimestamp();
            lock (gate)
            {
                var hung = loops.Find(loop => loop.DueAt <= now);
                if (hung is null) return null;
                var seconds = time.GetElapsedTime(hung.Since, now).TotalSeconds;
                return $"{hung.Name} is stuck: no progress for {seconds:0} s";
            }
        }
    }

    /// <summary>A line for each loop, in the order in which they began.</summary>
    public IReadOnlyList<string> Describe()
    {
        var now = time.GetTimestamp();
        lock (gate) return [.. loops.Select(loop => Describe(loop, now))];
    }

    /// <summary>Monitors a loop, which begins busy, until it is disposed of.</summary>
    /// <param name="name">Its name in messages, as in "the lease keeper".</param>
    /// <param name="longestWork">How long it may be busy without a report; each of its calls has a time-out.</param>
    public MonitoredLoop Begin(string name, TimeSpan longestWork)
    {
        var loop = new MonitoredLoop(this, name, longestWork);
        lock (gate) loops.Add(loop);
        loop.Busy();
        return loop;
    }

    private string Describe(MonitoredLoop loop, long now)
    {
        var seconds = time.GetElapsedTime(loop.Since, now).TotalSeconds;
        var state = loop.IsBusy ? "busy" : "waiting";
        if (loop.DueAt <= now) state = "stuck";
        return string.Create(CultureInfo.InvariantCulture, $"{loop.Name}: {state} for {seconds:0} s");
    }

    internal void Report(MonitoredLoop loop, bool isBusy, TimeSpan atMost)
    {
        lock (gate)
        {
            loop.Since = time.GetTimestamp();
            loop.IsBusy = isBusy;
            loop.DueAt = atMost < TimeSpan.Zero || atMost > LongestWait ? long.MaxValue : time.TimestampAfter(atMost + Slack);
        }
    }

    internal void End(MonitoredLoop loop)
    {
        lock (gate) loops.Remove(loop);
    }
}

/// <summary>One loop of a <see cref="LivenessMonitor"/>.</summary>
public sealed class MonitoredLoop : IDisposable
{
    private readonly LivenessMonitor monitor;
    private readonly TimeSpan longestWork;

    internal MonitoredLoop(LivenessMonitor monitor, string name, TimeSpan longestWork) =>
        (this.monitor, Name, this.longestWork) = (monitor, name, longestWork);

    internal string Name { get; }

    internal long Since { get; set; }

    internal bool IsBusy { get; set; }

    internal long DueAt { get; set; } = long.MaxValue;

    /// <summary>The loop works, or has made progress.</summary>
    public void Busy() => monitor.Report(this, isBusy: true, longestWork);

    /// <summary>The loop waits.</summary>
    /// <param name="atMost">The longest wait; <see cref="Timeout.InfiniteTimeSpan"/> if only an event ends it.</param>
    public void Idle(TimeSpan atMost) => monitor.Report(this, isBusy: false, atMost);

    /// <summary>The loop has ended.</summary>
    public void Dispose() => monitor.End(this);
}
