namespace Flannel.Core;

/// <summary>Whether the loops that matter still go round. Each says how long it means to wait before it waits, and that it works when it
/// works; one that stays in either for much longer than that hangs. So a wait of a day is as alive as a busy loop, and a pulse to a watchdog
/// that asks here comes from the life of all of them.</summary>
public sealed class LivenessMonitor(TimeProvider time)
{
    /// <summary>How late a wait may end: a busy machine is no hung loop.</summary>
    public static readonly TimeSpan Slack = TimeSpan.FromMinutes(1);

    private readonly Lock gate = new();
    private readonly List<MonitoredLoop> loops = [];

    /// <summary>A line that names a loop that hangs and says for how long; null when all go round.</summary>
    public string? Hung
    {
        get
        {
            var now = time.GetTimestamp();
            lock (gate)
            {
                var hung = loops.Find(loop => loop.DueAt <= now);
                return hung is null ? null : $"{hung.Name} is stuck: no progress for {time.GetElapsedTime(hung.Since, now).TotalSeconds:0} s";
            }
        }
    }

    /// <summary>Watches a loop, which begins with work, until it is disposed of.</summary>
    /// <param name="name">What hangs when it does, as in "the lease's keeper".</param>
    /// <param name="longestWork">The longest that it may be busy between two words; its calls all have a time-out.</param>
    public MonitoredLoop Begin(string name, TimeSpan longestWork)
    {
        var loop = new MonitoredLoop(this, name, longestWork);
        lock (gate) loops.Add(loop);
        loop.Busy();
        return loop;
    }

    internal void Move(MonitoredLoop loop, TimeSpan atMost)
    {
        lock (gate)
        {
            loop.Since = time.GetTimestamp();
            // Without an end, or one beyond all clocks: it waits for news alone.
            loop.DueAt = atMost < TimeSpan.Zero || atMost > TimeSpan.FromDays(365)
                ? long.MaxValue
                : loop.Since + (long)((atMost + Slack).TotalSeconds * time.TimestampFrequency);
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
    private readonly LivenessMonitor watch;
    private readonly TimeSpan longestWork;

    internal MonitoredLoop(LivenessMonitor watch, string name, TimeSpan longestWork) => (this.watch, Name, this.longestWork) = (watch, name, longestWork);

    internal string Name { get; }

    internal long Since { get; set; }

    internal long DueAt { get; set; } = long.MaxValue;

    /// <summary>It goes to work, or has made progress in it.</summary>
    public void Busy() => watch.Move(this, longestWork);

    /// <summary>It waits now.</summary>
    /// <param name="atMost">When it will go on by itself; <see cref="Timeout.InfiniteTimeSpan"/> when only news wakes it.</param>
    public void Idle(TimeSpan atMost) => watch.Move(this, atMost);

    /// <summary>It has ended, and cannot hang any more.</summary>
    public void Dispose() => watch.End(this);
}
