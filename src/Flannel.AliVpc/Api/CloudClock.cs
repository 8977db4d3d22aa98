namespace Flannel.AliVpc.Api;

/// <summary>The time that requests are signed with: this machine's, corrected by what the cloud last said about it. A request that is more than
/// 15 minutes off is refused, and a machine without NTP still has to route.</summary>
internal sealed class CloudClock(TimeProvider time)
{
    /// <summary>A smaller difference is the way of the answer, or a cloud that is not sure itself.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(1);

    private long offsetTicks;

    public DateTimeOffset Now => time.GetUtcNow() + Offset;

    /// <summary>How far the cloud's time is ahead of this machine's.</summary>
    public TimeSpan Offset => TimeSpan.FromTicks(Interlocked.Read(ref offsetTicks));

    /// <param name="cloudTime">Of the answer's <c>Date</c> header.</param>
    /// <returns>Whether the correction changed by more than the tolerance, so that it is worth a word.</returns>
    public bool Correct(DateTimeOffset cloudTime)
    {
        var offset = cloudTime - time.GetUtcNow();
        var before = TimeSpan.FromTicks(Interlocked.Exchange(ref offsetTicks, offset.Ticks));
        return (offset - before).Duration() > Tolerance;
    }
}
