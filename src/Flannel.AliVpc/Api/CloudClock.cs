namespace Flannel.AliVpc.Api;

/// <summary>The time that requests are signed with: this machine's, corrected by what the cloud last said about it. A request that is more than
/// 15 minutes off is refused, and a machine without NTP still has to route.</summary>
internal sealed class CloudClock(TimeProvider time)
{
    /// <summary>A smaller difference is the way of the answer, or a cloud that is not sure itself.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(1);

    private long offsetTicks;
    private long saidTicks;
    private long measuredTicks = NotMeasured;

    private const long NotMeasured = long.MinValue;

    public DateTimeOffset Now => time.GetUtcNow() + Offset;

    /// <summary>How far the cloud's time was ahead of this machine's at the last answer, to the second; null before one.</summary>
    public TimeSpan? Measured => Interlocked.Read(ref measuredTicks) is var ticks && ticks != NotMeasured ? TimeSpan.FromTicks(ticks) : null;

    /// <summary>How far signatures are ahead of this machine's time.</summary>
    public TimeSpan Offset => TimeSpan.FromTicks(Interlocked.Read(ref offsetTicks));

    /// <param name="cloudTime">Of the <c>Date</c> header of any answer.</param>
    /// <returns>Whether the difference changed by more than the tolerance, so that it is worth a word.</returns>
    public bool Measure(DateTimeOffset cloudTime)
    {
        var difference = cloudTime - time.GetUtcNow();
        Interlocked.Exchange(ref measuredTicks, difference.Ticks);
        var said = Interlocked.Read(ref saidTicks);
        return (difference - TimeSpan.FromTicks(said)).Duration() > Tolerance
            && Interlocked.CompareExchange(ref saidTicks, difference.Ticks, said) == said;
    }

    /// <summary>Signs with the cloud's time from now on: ours was refused. A header that some proxy wrote is not believed before.</summary>
    public void Correct(DateTimeOffset cloudTime) => Interlocked.Exchange(ref offsetTicks, (cloudTime - time.GetUtcNow()).Ticks);
}
