namespace Flannel.AliCloud.Http;

/// <summary>The cloud's time, learned from its answers. Requests are signed with it (a request that is more than 15 minutes off is refused)
/// and the expirations of temporary keys are compared with it: a machine without NTP still has to route. Thread-safe; one for the whole
/// process.</summary>
public sealed class CloudClock(TimeProvider time)
{
    /// <summary>A smaller difference is the way of the answer, or a cloud that is not sure itself.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(1);

    /// <summary>How far a signature's time may be off (V3 signature, error <c>InvalidTimeStamp.Expired</c>).</summary>
    public static readonly TimeSpan AcceptedSkew = TimeSpan.FromMinutes(15);

    private const long NotMeasured = long.MinValue;

    private long offsetTicks;
    private long saidTicks;
    private long measuredTicks = NotMeasured;
    private volatile Reading? reading;

    /// <summary>On the monotonic clock: a step of the wall clock does not change what is known.</summary>
    private sealed record Reading(DateTimeOffset CloudTime, long At);

    /// <summary>The time that requests are signed with.</summary>
    public DateTimeOffset Now => time.GetUtcNow() + Offset;

    /// <summary>The cloud's time by a trustworthy answer; null before one. An answer is trusted if its time agrees with a signing time that
    /// the cloud accepts, or if the cloud refused ours: the <c>Date</c> header that some proxy wrote is not.</summary>
    public DateTimeOffset? Known => reading is { } last ? last.CloudTime + time.GetElapsedTime(last.At) : null;

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
        if ((difference - Offset).Duration() <= AcceptedSkew) reading = new Reading(cloudTime, time.GetTimestamp());
        var said = Interlocked.Read(ref saidTicks);
        return (difference - TimeSpan.FromTicks(said)).Duration() > Tolerance
            && Interlocked.CompareExchange(ref saidTicks, difference.Ticks, said) == said;
    }

    /// <summary>Signs with the cloud's time from now on: ours was refused. A header that some proxy wrote is not believed before.</summary>
    public void Correct(DateTimeOffset cloudTime)
    {
        Interlocked.Exchange(ref offsetTicks, (cloudTime - time.GetUtcNow()).Ticks);
        reading = new Reading(cloudTime, time.GetTimestamp());
    }
}
