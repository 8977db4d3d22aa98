namespace Flannel.Core;

/// <summary>The range and the resolution of .NET's timers. They take at most 2^32 - 2 milliseconds (about 49.7 days) and throw beyond that,
/// so every wait whose length comes from outside (an expiration, a lease time, a server's hint) is clamped here.</summary>
public static class TimerRange
{
    /// <summary>The longest single wait. A caller whose event is further away wakes up, finds that it is not due, and waits
    /// again.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    /// <summary>At most <see cref="Longest"/> and at least zero; <see cref="Timeout.InfiniteTimeSpan"/> stays infinite.</summary>
    public static TimeSpan Clamp(TimeSpan wait)
    {
        if (wait == Timeout.InfiniteTimeSpan) return wait;
        if (wait < TimeSpan.Zero) return TimeSpan.Zero;
        return wait < Longest ? wait : Longest;
    }

    /// <summary>Without the fraction of a millisecond, which timers ignore.</summary>
    public static TimeSpan WholeMilliseconds(TimeSpan time) => TimeSpan.FromTicks(time.Ticks - time.Ticks % TimeSpan.TicksPerMillisecond);
}
