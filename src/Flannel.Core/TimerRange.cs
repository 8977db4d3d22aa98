namespace Flannel.Core;

/// <summary>The range of waits that a timer accepts. .NET's timers take at most 2^32 - 2 milliseconds (about 49.7 days) and throw beyond
/// that, so every wait whose length comes from outside (an expiration, a lease time, a server's hint) is clamped here.</summary>
public static class TimerRange
{
    /// <summary>The longest single wait. A caller whose event is further away wakes up, finds that it is not due, and waits
    /// again.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    /// <summary>At most <see cref="Longest"/>; a negative wait is none, and <see cref="Timeout.InfiniteTimeSpan"/> stays
    /// infinite.</summary>
    public static TimeSpan Clamp(TimeSpan wait)
    {
        if (wait == Timeout.InfiniteTimeSpan) return wait;
        if (wait < TimeSpan.Zero) return TimeSpan.Zero;
        return wait < Longest ? wait : Longest;
    }
}
