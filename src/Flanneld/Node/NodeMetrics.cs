using System.Globalization;
using System.Text;
using Flannel.Core.Routes;
using Flanneld.Observability;

namespace Flanneld.Node;

/// <summary>The metrics about a <see cref="NodeState"/>. Pure.</summary>
internal static class NodeMetrics
{
    public static void Append(StringBuilder text, NodeState state)
    {
        var isReady = NodeStatus.Checks(state).All(check => check.Ok);
        PrometheusText.Gauge(
            text, "flannel_ready", "1 when the lease is held, the route available or in fallback, and the subnet file written.",
            isReady ? 1 : 0);
        PrometheusText.Gauge(text, "flannel_lease_held", "1 while this node holds its subnet.", state.IsLeaseHeld ? 1 : 0);
        if (state.LeaseEnd is { } end)
        {
            PrometheusText.Gauge(
                text, "flannel_lease_expiry_timestamp_seconds", "When the lease expires unless it is renewed, Unix time.",
                PrometheusText.Seconds(end));
        }

        PrometheusText.Heading(text, "flannel_lease_renewals_total", "Successful renewals of the lease.", "counter");
        text.Append(CultureInfo.InvariantCulture, $"flannel_lease_renewals_total {state.Renewals}\n");
        PrometheusText.Heading(text, "flannel_route_state", "The state of this node's route: 1 for the current one.", "gauge");
        foreach (var each in Enum.GetValues<RouteState>())
            text.Append(CultureInfo.InvariantCulture, $"flannel_route_state{{state=\"{each}\"}} {(each == state.Route?.State ? 1 : 0)}\n");
        Ipv6RouteReport.AppendMetrics(text, state);
        AppendTunnel(text, state);
    }

    /// <summary>Nothing on a node without a tunnel.</summary>
    private static void AppendTunnel(StringBuilder text, NodeState state)
    {
        if (state.HasFallback)
        {
            PrometheusText.Gauge(
                text, "flannel_route_fallback", "1 while this node is reached through the tunnel, because its route cannot be created.",
                state.IsInFallback ? 1 : 0);
        }

        if (state.TunnelPeers is { } peers)
            PrometheusText.Gauge(text, "flannel_tunnel_peers", "Other nodes that are reached through the tunnel.", peers);
    }
}
