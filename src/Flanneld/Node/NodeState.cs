using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Registry;

namespace Flanneld.Node;

/// <summary>Whether the host may use the subnet.</summary>
internal enum SubnetUse
{
    /// <summary>The lease is held and the route is available: <c>subnet.env</c> must exist.</summary>
    Allowed,

    /// <summary>The lease is held, and the state of its route is not known yet: a correct <c>subnet.env</c> of before is neither written
    /// nor removed.</summary>
    Undecided,

    /// <summary><c>subnet.env</c> must not exist.</summary>
    Forbidden,
}

/// <summary>What is known of the node's lease.</summary>
internal enum LeaseState
{
    /// <summary>Acquired or found, and not read by the keeper yet.</summary>
    Acquired,

    /// <summary>Read in etcd by the keeper.</summary>
    Confirmed,

    /// <summary>Its time is over by this machine's clock.</summary>
    Expired,

    /// <summary>It belongs to nobody or to another node.</summary>
    Lost,
}

/// <summary>All that decides whether the host may use the subnet. Health, the subnet file and systemd's status are derived from
/// it.</summary>
/// <param name="Holding">The lease as it was last read. Its etcd lease and its create revision tell this holding of the subnet from
/// others.</param>
/// <param name="InstanceId">Null where the backend needs no route.</param>
internal sealed record NodeState(Lease Holding, string? InstanceId)
{
    public LeaseState Lease { get; init; }

    /// <summary>Why the lease is lost; empty unless it is.</summary>
    public string LossReason { get; init; } = "";

    /// <summary>The controller's last status of this holding; null while there is none.</summary>
    public RouteStatus? Route { get; init; }

    /// <summary>Whether etcd was asked for the status of this holding.</summary>
    public bool IsRouteRead { get; init; }

    /// <summary>The route was available at some time in this holding, or in one that it continues.</summary>
    public bool WasRouteAvailable { get; init; }

    /// <summary>etcd lost the lease and the node took it back before its time was over (a restored etcd). The route still leads here, and
    /// the controller has not judged it for the new holding yet.</summary>
    public bool IsContinued { get; init; }

    /// <summary>The network configuration in etcd is not the one that the node started under.</summary>
    public bool IsConfigChanged { get; init; }

    public Ipv4Network Subnet => Holding.Subnet;

    public bool IsLeaseHeld => Lease is LeaseState.Acquired or LeaseState.Confirmed;

    public SubnetUse Use
    {
        get
        {
            if (!IsLeaseHeld) return SubnetUse.Forbidden;
            if (InstanceId is null || Route?.State == RouteState.Available || IsRefusedByNewConfig) return SubnetUse.Allowed;
            if (!IsRouteRead) return SubnetUse.Undecided;
            var isUnjudged = Route?.State is null or RouteState.Pending or RouteState.Unreachable;
            return IsContinued && isUnjudged ? SubnetUse.Undecided : SubnetUse.Forbidden;
        }
    }

    /// <summary>A controller judges routes by the new configuration, and this node keeps the old one until it restarts: what only the
    /// change brings about does not count. A controller that tries to restore the route says so in another state.</summary>
    public bool IsRefusedByNewConfig =>
        IsConfigChanged && WasRouteAvailable && IsRouteRead && Route?.State is null or RouteState.Rejected or RouteState.Conflict;

    /// <summary>Why the subnet may not be used, for people.</summary>
    public string Reason => Lease switch
    {
        LeaseState.Lost => LossReason,
        LeaseState.Expired => "the lease expired while etcd was unavailable",
        _ => $"the route is {Route?.State.ToString() ?? "not created yet"}",
    };

    /// <param name="startedUnder">The network configuration that the node keeps until it restarts.</param>
    public NodeState Apply(LeaseEvent news, NetworkConfig startedUnder) => news switch
    {
        LeaseEvent.Confirmed confirmed => Confirm(confirmed.Lease),
        LeaseEvent.Expired => Forget() with { Lease = LeaseState.Expired },
        LeaseEvent.Lost lost => Forget() with { Lease = LeaseState.Lost, LossReason = lost.Reason },
        LeaseEvent.RouteStatusChanged changed when InstanceId is not null => Take(changed.Status),
        LeaseEvent.ConfigChanged changed => this with { IsConfigChanged = !ConfigChanges.IsSame(changed.Config, startedUnder) },
        _ => this,
    };

    /// <summary>The status of the route is read right after this. One from before counts only while it is the same holding without a
    /// gap.</summary>
    private NodeState Confirm(Lease lease)
    {
        var isSame = lease.EtcdLeaseId == Holding.EtcdLeaseId && lease.CreateRevision == Holding.CreateRevision;
        var confirmed = this with { Holding = lease, Lease = LeaseState.Confirmed };
        if (isSame && IsLeaseHeld) return confirmed;
        var isContinued = IsLeaseHeld && (Use == SubnetUse.Allowed || (IsContinued && Use == SubnetUse.Undecided));
        return confirmed with
        {
            Route = null,
            IsRouteRead = false,
            WasRouteAvailable = WasRouteAvailable && isContinued,
            IsContinued = isContinued,
        };
    }

    private NodeState Forget() => this with { Route = null, IsRouteRead = false, WasRouteAvailable = false, IsContinued = false };

    /// <summary>A status of another instance or subnet is none: the controller will write a new one.</summary>
    private NodeState Take(RouteStatus? status)
    {
        var route = status is not null && status.SpeaksOf(Subnet, InstanceId!) ? status : null;
        var isAvailable = route?.State == RouteState.Available;
        return this with
        {
            Route = route,
            IsRouteRead = true,
            WasRouteAvailable = WasRouteAvailable || isAvailable,
            IsContinued = IsContinued && !isAvailable,
        };
    }
}
