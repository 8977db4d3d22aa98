using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;

namespace Flanneld.Node;

/// <summary>Whether the host may use the subnet.</summary>
internal enum SubnetUse
{
    /// <summary>The lease is held, and the route is available, or the node is reached through the tunnel in its place:
    /// <c>subnet.env</c> must exist.</summary>
    Allowed,

    /// <summary>The lease is held, and the status of its route is not known yet: a correct <c>subnet.env</c> of an earlier run is neither
    /// written nor removed.</summary>
    Undecided,

    /// <summary><c>subnet.env</c> must not exist.</summary>
    Forbidden,
}

/// <summary>What is known of the node's lease.</summary>
internal enum LeaseState
{
    /// <summary>The node has no lease yet.</summary>
    None,

    /// <summary>Acquired or found, and not confirmed yet.</summary>
    Acquired,

    /// <summary>The subnet manager has confirmed that it is held.</summary>
    Confirmed,

    /// <summary>Its time is over by this machine's clock.</summary>
    Expired,

    /// <summary>It was deleted, or it belongs to another node.</summary>
    Lost,
}

/// <summary>All facts about this node. <c>subnet.env</c>, systemd's status text, <c>/readyz</c>, the node's metrics and the log of changes
/// are derived from it. Immutable; <see cref="NodeTransitions"/> alone creates the next state.</summary>
internal sealed record NodeState
{
    /// <summary>The state of a process that has just started.</summary>
    public static readonly NodeState Initial = new();

    public LeaseState LeaseState { get; init; }

    /// <summary>The name of the subnet manager in messages.</summary>
    public string SubnetManager { get; init; } = "the subnet manager";

    /// <summary>What the node waits for while it has no lease; null before the subnet manager has answered.</summary>
    public string? WaitingFor { get; init; }

    /// <summary>The lease as it was last read. Null while <see cref="LeaseState"/> is
    /// <see cref="LeaseState.None"/>.</summary>
    public Lease? Lease { get; init; }

    /// <summary>The network configuration that the node keeps until it restarts; null without a lease.</summary>
    public NetworkConfig? Config { get; init; }

    /// <summary>The subnet manager's revision of the network configuration that was read last; 0 before the first one.</summary>
    public long ConfigRevision { get; init; }

    /// <summary>When the lease expires unless it is renewed; null for a reservation, which does not expire.</summary>
    public DateTimeOffset? LeaseEnd { get; init; }

    /// <summary>Successful renewals since the start.</summary>
    public long Renewals { get; init; }

    /// <summary>Why the lease is lost; empty unless it is.</summary>
    public string LossReason { get; init; } = "";

    /// <summary>This node's instance; null where the backend requires no route.</summary>
    public string? InstanceId { get; init; }

    /// <summary>The route controller's last status for this holding; null while there is none.</summary>
    public RouteStatus? Route { get; init; }

    /// <summary>Whether the route status of this holding was read.</summary>
    public bool IsRouteRead { get; init; }

    /// <summary>The route was available at some time during this holding, or during one that it continues.</summary>
    public bool WasRouteAvailable { get; init; }

    /// <summary>The subnet manager lost the lease (a restored etcd), and the node took it back before it expired; or the key was replaced,
    /// because the IPv6 subnet changed. The route still leads to this node, and the route controller has not published a status for the new
    /// holding yet.</summary>
    public bool IsContinued { get; init; }

    /// <summary>The backend has a tunnel by which the node is reached while its route cannot be created.</summary>
    public bool HasFallback { get; init; }

    /// <summary>The node is reached through the tunnel (<see cref="RouteFallback"/>).</summary>
    public bool IsInFallback { get; init; }

    /// <summary>How many other nodes are reached through the tunnel; null without one.</summary>
    public int? TunnelPeers { get; init; }

    /// <summary>The network configuration was changed and differs from <see cref="Config"/>.</summary>
    public bool IsConfigChanged { get; init; }

    /// <summary>The route controller's instance and address; empty without a route controller.</summary>
    public string Controller { get; init; } = "";

    /// <summary>Whether <see cref="Controller"/> was read.</summary>
    public bool IsControllerRead { get; init; }

    /// <summary>Why none is elected, one line; empty while that is not known.</summary>
    public string VacancyReason { get; init; } = "";

    /// <summary>The result of the last comparison of <c>subnet.env</c> with this state.</summary>
    public SubnetFileCheck SubnetFile { get; init; } = new(IsCorrect: false, "not written");

    public Ipv4Network Subnet => Lease?.Subnet ?? throw new InvalidOperationException("the node has no lease");

    /// <summary>Whether this node needs a route controller, and none is elected.</summary>
    public bool IsWaitingForElection => InstanceId is not null && IsLeaseHeld && IsControllerRead && Controller.Length == 0
        && Route?.State != RouteState.Available;

    public bool IsLeaseHeld => LeaseState is LeaseState.Acquired or LeaseState.Confirmed;

    public SubnetUse Use
    {
        get
        {
            if (!IsLeaseHeld) return SubnetUse.Forbidden;
            if (InstanceId is null || Route?.State == RouteState.Available) return SubnetUse.Allowed;
            if (IsInFallback || IsRouteStatusIgnored) return SubnetUse.Allowed;
            if (!IsRouteRead) return SubnetUse.Undecided;
            var isWithoutResult = Route?.State is null or RouteState.Pending or RouteState.Unreachable;
            return IsContinued && isWithoutResult ? SubnetUse.Undecided : SubnetUse.Forbidden;
        }
    }

    /// <summary>The route controller applies the new configuration, and this node keeps the old one until it restarts: a status that only
    /// the change causes does not count. A controller that fails to restore the route reports another state.</summary>
    public bool IsRouteStatusIgnored =>
        IsConfigChanged && WasRouteAvailable && IsRouteRead && Route?.State is null or RouteState.Rejected or RouteState.Conflict;

    /// <summary>Why the subnet may not be used.</summary>
    public string ForbiddenReason => LeaseState switch
    {
        LeaseState.None => WaitingFor ?? $"waiting for {SubnetManager}",
        LeaseState.Lost => LossReason,
        LeaseState.Expired => $"the lease expired while {SubnetManager} was unavailable",
        _ => $"the route is {Route?.State.ToString() ?? "not created yet"}",
    };
}
