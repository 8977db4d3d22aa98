using Flannel.Core;
using Flannel.Core.Leases;

namespace Flannel.Etcd.Registry;

/// <summary>When a lease is renewed.</summary>
/// <param name="margin">Before its expiry; half of its time if it lives shorter than that.</param>
internal sealed class RenewalSchedule(TimeSpan margin, TimeProvider time, Random random)
{
    // At least this number of attempts fits into the remaining time of a lease.
    private const int AttemptsLeft = 5;

    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    private readonly Backoff backoff = new(ShortestPause, LongestPause, random);

    // Nodes that started together do not renew together.
    private readonly double jitter = 1 + random.NextDouble() / 8;

    // A timestamp; null if the last attempt did not fail.
    private long? retryAt;

    /// <summary>Zero or less if the renewal is due; <see cref="TimeSpan.MaxValue"/> for a reservation.</summary>
    public TimeSpan DueIn(LeaseExpiry? expiry)
    {
        if (expiry is not { } lease) return TimeSpan.MaxValue;
        if (retryAt is { } retry) return TimerRange.WholeMilliseconds(time.TimeUntil(retry));
        var timeToLive = lease.TimeToLive;
        if (margin >= timeToLive) return lease.Remaining(time) - timeToLive / 2;
        // The jitter must not make a renewal due at once.
        var longestMargin = (margin + timeToLive) / 2;
        var actualMargin = margin * jitter < longestMargin ? margin * jitter : longestMargin;
        return TimerRange.WholeMilliseconds(lease.Remaining(time) - actualMargin);
    }

    public void Succeeded()
    {
        retryAt = null;
        backoff.Reset();
    }

    /// <summary>etcd is available again: a failed renewal is due now.</summary>
    public void RetryNow() => retryAt = null;

    /// <param name="expiry">Of the lease that could not be renewed. The pauses shrink as it comes near.</param>
    public void Failed(LeaseExpiry? expiry)
    {
        var pause = backoff.Next();
        if (expiry is { } lease && lease.Remaining(time) is var left && left > TimeSpan.Zero)
        {
            var longest = left / AttemptsLeft < ShortestPause ? ShortestPause : left / AttemptsLeft;
            if (pause > longest) pause = longest;
        }

        retryAt = time.TimestampAfter(pause);
    }
}
