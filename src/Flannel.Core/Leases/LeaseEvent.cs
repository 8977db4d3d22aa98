using Flannel.Core.Configuration;
using Flannel.Core.Routes;

namespace Flannel.Core.Leases;

/// <summary>An event of a held lease, from <see cref="ISubnetManager.HoldAsync"/>, in order.</summary>
public abstract record LeaseEvent
{
    /// <summary>The lease was read, and it is this node's. The first event, and repeated after each time that the subnet manager was
    /// unavailable and after the lease was taken back.</summary>
    public sealed record Confirmed(Lease Lease) : LeaseEvent;

    /// <summary>The lease was renewed.</summary>
    /// <param name="TimeToLive">From now; null for a reservation.</param>
    public sealed record Renewed(TimeSpan? TimeToLive) : LeaseEvent;

    /// <summary>The subnet manager is unavailable. The lease is held until <see cref="Expired"/>.</summary>
    public sealed record Unavailable(string Reason) : LeaseEvent;

    /// <summary>The lease has expired by this machine's clock while the subnet manager was unavailable: another node may take the subnet at
    /// any time. <see cref="Confirmed"/> or <see cref="Lost"/> follows when the subnet manager is available again.</summary>
    public sealed record Expired : LeaseEvent;

    /// <summary>The last event: the subnet is no longer this node's.</summary>
    public sealed record Lost(LeaseLoss Loss, string Reason) : LeaseEvent;

    /// <summary>The route status of this lease, after each <see cref="Confirmed"/> and when it changes.</summary>
    /// <param name="Status">Null if there is none that can be read.</param>
    public sealed record RouteStatusChanged(RouteStatus? Status) : LeaseEvent;

    /// <summary>The network configuration differs from the one that the lease was acquired under.</summary>
    public sealed record ConfigChanged(ConfigState Config) : LeaseEvent;

    /// <summary>The elected route controller.</summary>
    /// <param name="Holder">Null if none is elected.</param>
    public sealed record ControllerChanged(ControllerHolder? Holder) : LeaseEvent;
}

/// <summary>Why a subnet was lost.</summary>
public enum LeaseLoss
{
    /// <summary>The key was deleted, or its etcd lease was revoked.</summary>
    Deleted,

    /// <summary>The value names another node, or cannot be read.</summary>
    Overwritten,

    /// <summary>The lease expired while the subnet manager was unavailable, and another node has the subnet or one that overlaps
    /// it.</summary>
    Taken,

    /// <summary>The lease expired while the subnet manager was unavailable, and the configuration no longer allows it.</summary>
    Unfit,
}
