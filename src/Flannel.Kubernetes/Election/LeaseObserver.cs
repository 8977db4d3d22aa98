using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Controller;

namespace Flannel.Kubernetes.Election;

/// <summary>Judges whether the election's Lease is held, by this machine's monotonic clock and by changes that it observes itself: the
/// holder's clock may be wrong. Not thread-safe.</summary>
/// <remarks>The parts that the holder alone changes count, not the resource version: the standby writes an annotation.</remarks>
internal sealed class LeaseObserver(TimeProvider time)
{
    private HeldLease? known;
    private long knownSince;
    private TimeSpan duration;

    private sealed record HeldLease(string Uid, string Holder, int Transitions, DateTimeOffset? RenewTime);

    /// <summary>The time until the Lease expires if it does not change any more.</summary>
    public TimeSpan Remaining => duration - time.GetElapsedTime(knownSince);

    /// <summary>Whether no node holds the Lease: none is named, or the holder did not renew it for its whole duration.</summary>
    /// <param name="lease">As it was read just now; null if it does not exist.</param>
    public bool IsVacant(KubeLease? lease)
    {
        if (lease is { HolderIdentity.Length: > 0 })
        {
            Observe(lease);
            return Remaining <= TimeSpan.Zero;
        }

        if (known is null || (lease is not null && lease.Uid == known.Uid && lease.Transitions >= known.Transitions))
        {
            known = null;
            return true;
        }

        // Not released, but deleted, or from a backup: its holder may not have read it yet.
        return Remaining <= TimeSpan.Zero;
    }

    private void Observe(KubeLease lease)
    {
        var observed = new HeldLease(lease.Uid, lease.HolderIdentity, lease.Transitions, lease.RenewTime);
        if (observed == known) return;
        known = observed;
        knownSince = time.GetTimestamp();
        // A holder gives up before LeaseDuration in any case, and another program may have written any other duration.
        duration = TimeSpan.FromTicks(
            Math.Clamp(lease.Duration.Ticks, ElectionTimes.LeaseDuration.Ticks, ElectionTimes.LongestDuration.Ticks));
    }
}
