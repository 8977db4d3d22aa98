using Flannel.Core.Configuration;

namespace Flannel.Core.Leases;

/// <summary>A lease that this node holds.</summary>
/// <param name="Config">The configuration that it was acquired under.</param>
/// <param name="ConfigRevision">The subnet manager's revision of that configuration.</param>
/// <param name="WasFound">True if it was this node's before: a lease with its instance or public address, or a reservation.</param>
/// <param name="Expiry">Null for a reservation, which does not expire.</param>
public sealed record HeldLease(Lease Lease, NetworkConfig Config, long ConfigRevision, bool WasFound, LeaseExpiry? Expiry)
{
    /// <summary>The node had the lease without a gap, under another key: its IPv6 subnet changed. The IPv4 subnet and its route are the
    /// same, and the new key has no route status yet.</summary>
    public bool IsKeyReplaced { get; init; }
}

/// <summary>When a lease expires by this machine's clock. On the safe side: counted from before the request that granted or renewed it was
/// sent.</summary>
/// <param name="Begin">A timestamp of the <see cref="TimeProvider"/>.</param>
public readonly record struct LeaseExpiry(long Begin, TimeSpan TimeToLive)
{
    /// <summary>The remaining time in whole milliseconds, the unit of timers: with a fraction, a loop would wait with a timer of zero again
    /// and again. Zero or negative after the expiry.</summary>
    public TimeSpan Remaining(TimeProvider time) => TimerRange.WholeMilliseconds(TimeToLive - time.GetElapsedTime(Begin));
}
