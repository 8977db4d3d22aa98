using Flannel.Core.Leases;
using Flannel.Core.Routes;

namespace Flannel.Etcd.Registry;

/// <summary>What <see cref="LeaseKeeper"/> tells the node, in order.</summary>
public abstract record LeaseEvent
{
    /// <summary>etcd was just read, and the subnet is this node's. First of all events, again after each time that etcd was out of reach,
    /// and when the lease was taken back.</summary>
    public sealed record Confirmed(Lease Lease) : LeaseEvent;

    /// <summary>The life of the lease begins anew.</summary>
    /// <param name="TimeToLive">From now; null for a reservation.</param>
    public sealed record Renewed(TimeSpan? TimeToLive) : LeaseEvent;

    /// <summary>etcd cannot be asked. The lease is still held until <see cref="Expired"/>.</summary>
    public sealed record Unreachable(string Reason) : LeaseEvent;

    /// <summary>The life of the lease is over by this machine's clock, and etcd could not be asked: another node may take the subnet at
    /// any moment.
    /// Followed by <see cref="Confirmed"/> or <see cref="Lost"/> once etcd answers.</summary>
    public sealed record Expired : LeaseEvent;

    /// <summary>The last event: the subnet is not this node's any more.</summary>
    public sealed record Lost(LeaseLoss Loss, string Reason) : LeaseEvent;

    /// <summary>The controller's word on this subnet, read right after each <see cref="Confirmed"/> and when it changes.</summary>
    /// <param name="Status">Null while there is none that can be read.</param>
    public sealed record RouteStatusChanged(RouteStatus? Status) : LeaseEvent;

    /// <summary>The configuration is another than the lease was acquired under.</summary>
    public sealed record ConfigChanged(ConfigState Config) : LeaseEvent;

    /// <summary>Who is route controller; null while nobody is.</summary>
    public sealed record ControllerChanged(ControllerHolder? Holder) : LeaseEvent;
}

/// <summary>Why a subnet was lost.</summary>
public enum LeaseLoss
{
    /// <summary>Somebody deleted the key or revoked its etcd lease.</summary>
    Deleted,

    /// <summary>The key names another node now, or nothing that can be read.</summary>
    Overwritten,

    /// <summary>It expired while this node was cut off, and another node has the subnet or one that overlaps it.</summary>
    Taken,

    /// <summary>It expired while this node was cut off, and the configuration does not allow it any more.</summary>
    Unfit,
}
