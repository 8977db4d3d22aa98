using Flannel.Core.Leases;
using Flannel.Core.Routes;

namespace Flanneld.Node;

/// <summary>The transition function of <see cref="NodeState"/>. Pure.</summary>
internal static class NodeTransitions
{
    /// <param name="now">UTC, for the end of the lease.</param>
    public static NodeState Apply(NodeState state, NodeEvent change, DateTimeOffset now) => change switch
    {
        NodeEvent.Waiting waiting => state with { WaitingFor = waiting.Reason },
        NodeEvent.Acquired acquired => state with
        {
            LeaseState = LeaseState.Acquired,
            Lease = acquired.Lease,
            Config = acquired.Config,
            ConfigRevision = acquired.ConfigRevision,
            LeaseEnd = now + acquired.TimeToLive,
            InstanceId = acquired.InstanceId,
            HasFallback = acquired.HasFallback,
            IsContinued = acquired.IsContinued,
        },
        NodeEvent.LeaseChanged { Change: var lease } => Apply(state, lease, now),
        NodeEvent.VacancyExplained explained => state with { VacancyReason = explained.Reason },
        NodeEvent.HostReconciled reconciled => state with
        {
            SubnetFile = reconciled.SubnetFile,
            TunnelPeers = reconciled.TunnelPeers,
        },
        _ => state,
    };

    private static NodeState Apply(NodeState state, LeaseEvent change, DateTimeOffset now) => change switch
    {
        LeaseEvent.Confirmed confirmed => Confirm(state, confirmed.Lease),
        LeaseEvent.Renewed renewed => Renew(state, now + renewed.TimeToLive),
        LeaseEvent.Expired => Forget(state) with { LeaseState = LeaseState.Expired },
        LeaseEvent.Lost lost => Forget(state) with { LeaseState = LeaseState.Lost, LossReason = lost.Reason },
        LeaseEvent.RouteStatusChanged changed when state.InstanceId is { } instance => SetRoute(state, changed.Status, instance),
        LeaseEvent.ConfigChanged changed => state with
        {
            IsConfigChanged = !ConfigChanges.IsSame(changed.Config, state.Config!),
            ConfigRevision = changed.Config.ModRevision,
        },
        // A backend without routes does not depend on the route controller.
        LeaseEvent.ControllerChanged changed when state.InstanceId is not null => state with
        {
            Controller = changed.Holder is { } holder ? $"{holder.InstanceId} ({holder.PublicIp})" : "",
            IsControllerRead = true,
            VacancyReason = "",
        },
        _ => state,
    };

    /// <summary>The route status is read right after this. An earlier status counts only while this is the same holding without a
    /// gap.</summary>
    private static NodeState Confirm(NodeState state, Lease lease)
    {
        var isSame = lease.Identity == state.Lease?.Identity;
        var confirmed = state with { Lease = lease, LeaseState = LeaseState.Confirmed };
        if (isSame && state.IsLeaseHeld) return confirmed;
        var isContinued = state.IsLeaseHeld
            && (state.Use == SubnetUse.Allowed || (state.IsContinued && state.Use == SubnetUse.Undecided));
        return confirmed with
        {
            Route = null,
            IsRouteRead = false,
            WasRouteAvailable = state.WasRouteAvailable && isContinued,
            IsContinued = isContinued,
            IsInFallback = state.IsInFallback && isContinued,
        };
    }

    private static NodeState Renew(NodeState state, DateTimeOffset? end) =>
        state with { LeaseEnd = end, Renewals = state.Renewals + (state.IsLeaseHeld ? 1 : 0) };

    private static NodeState Forget(NodeState state) => state with
    {
        Route = null,
        IsRouteRead = false,
        WasRouteAvailable = false,
        IsContinued = false,
        IsInFallback = false,
    };

    /// <summary>A status for another instance or subnet counts as none: the route controller will write a new one.</summary>
    private static NodeState SetRoute(NodeState state, RouteStatus? status, string instanceId)
    {
        var route = status is not null && status.IsFor(state.Subnet, instanceId) ? status : null;
        var isAvailable = route?.State == RouteState.Available;
        return state with
        {
            Route = route,
            IsRouteRead = true,
            WasRouteAvailable = state.WasRouteAvailable || isAvailable,
            IsContinued = state.IsContinued && !isAvailable,
            IsInFallback = state.HasFallback && RouteFallback.Next(state.IsInFallback, route),
        };
    }
}
