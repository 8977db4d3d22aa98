using Flannel.Core.Routes;
using Flanneld.Observability.Prometheus;

namespace Flanneld.Node;

/// <summary>The metrics about a <see cref="NodeState"/>. Pure.</summary>
internal static class NodeMetrics
{
    public static void AppendTo(MetricText text, NodeState state)
    {
        var checks = NodeStatus.Checks(state);
        text.Add(MetricCatalog.Ready, checks.All(check => check.Ok));
        foreach (var check in checks) text.Add(MetricCatalog.ReadyCheck, check.Ok, check.Name);
        text.Add(MetricCatalog.LeaseHeld, state.IsLeaseHeld);
        if (state.LeaseEnd is { } end) text.Add(MetricCatalog.LeaseExpiry, end);
        text.Add(MetricCatalog.LeaseRenewals, state.Renewals);
        if (state.InstanceId is not null)
        {
            foreach (var each in Enum.GetValues<RouteState>())
                text.Add(MetricCatalog.RouteState, each == state.Route?.State, each.ToString());
        }

        Ipv6RouteReport.AppendMetrics(text, state);
        if (state.HasFallback) text.Add(MetricCatalog.RouteFallback, state.IsInFallback);
        if (state.TunnelPeers is { } peers) text.Add(MetricCatalog.TunnelPeers, peers);
        if (state.ConfigRevision > 0) text.Add(MetricCatalog.ConfigRevision, state.ConfigRevision);
        text.Add(MetricCatalog.ConfigChanged, state.IsConfigChanged);
    }
}
