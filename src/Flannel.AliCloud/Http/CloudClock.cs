namespace Flannel.AliCloud.Http;

/// <summary>The cloud's time, measured from its responses. Requests are signed with it (a request that is more than 15 minutes off is
/// rejected), and expirations of temporary keys are compared with it, so that a machine without NTP works. Thread-safe.</summary>
public sealed class CloudClock(TimeProvider time)
{
    /// <summary>Smaller differences come from the network or from the cloud's own hosts.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(1);

    /// <summary>The largest accepted difference between the time of a signature and the cloud's time (error
    /// <c>InvalidTimeStamp.Expired</c>).</summary>
    public static readonly TimeSpan AcceptedSkew = TimeSpan.FromMinutes(15);

    private const long NotMeasured = long.MinValue;

    private long offsetTicks;
    private long reportedTicks;
    private long measuredTicks = NotMeasured;
    private volatile Reading? reading;

    /// <summary>A trusted time of the cloud, with the monotonic time of its arrival: a step of the wall clock does not change it.</summary>
    private sealed record Reading(DateTimeOffset CloudTime, long At);

    /// <summary>The time to sign requests with.</summary>
    public DateTimeOffset Now => time.GetUtcNow() + Offset;

    /// <summary>The cloud's time according to a trusted response; null before one. A response is trusted if its time agrees with an
    /// accepted signing time, or if the cloud rejected ours. The <c>Date</c> header of a proxy is not trusted.</summary>
    public DateTimeOffset? TrustedTime => reading is { } last ? last.CloudTime + time.GetElapsedTime(last.At) : null;

    /// <summary>How far the cloud's clock was ahead of this machine's at the last response, to the second; null before one.</summary>
    public TimeSpan? MeasuredDifference =>
        Interlocked.Read(ref measuredTicks) is var ticks && ticks != NotMeasured ? TimeSpan.FromTicks(ticks) : null;

    /// <summary>How far the time of signatures is ahead of this machine's time.</summary>
    public TimeSpan Offset => TimeSpan.FromTicks(Interlocked.Read(ref offsetTicks));

    /// <param name="cloudTime">The <c>Date</c> header of any response.</param>
    /// <returns>True if the difference changed by more than the tolerance since it was last reported, so that it should be
    /// logged.</returns>
    public bool Measure(DateTimeOffset cloudTime)
    {
        var difference = cloudTime - time.GetUtcNow();
        Interlocked.Exchange(ref measuredTicks, difference.Ticks);
        if ((difference - Offset).Duration() <= AcceptedSkew) reading = new Reading(cloudTime, time.GetTimestamp());
        var reported = Interlocked.Read(ref reportedTicks);
        return (difference - TimeSpan.FromTicks(reported)).Duration() > Tolerance
            && Interlocked.CompareExchange(ref reportedTicks, difference.Ticks, reported) == reported;
    }

    /// <summary>Signs with the cloud's time from now on, after the cloud rejected ours.</summary>
    public void Correct(DateTimeOffset cloudTime)
    {
        Interlocked.Exchange(ref offsetTicks, (cloudTime - time.GetUtcNow()).Ticks);
        reading = new Reading(cloudTime, time.GetTimestamp());
    }
}
