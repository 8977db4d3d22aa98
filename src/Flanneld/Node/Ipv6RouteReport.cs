using Flannel.Core.Routes;
using Flanneld.Observability;
using Flanneld.Observability.Prometheus;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>What people and programs read about the route of a node's IPv6 subnet. It never decides whether the node is ready. A node
/// without an IPv6 subnet, or whose backend requires no route, has none of it.</summary>
internal static class Ipv6RouteReport
{
    /// <summary>The line of <c>/readyz?verbose</c>; null for none.</summary>
    public static ReadinessCheck? Check(NodeState state)
    {
        if (!HasRoute(state)) return null;
        return new ReadinessCheck("route-ipv6", true, state.Route?.Ipv6 is { } route
            ? $"{route.Subnet} {route.State}{Colon(route.Message)}"
            : "waiting for the route controller");
    }

    /// <summary>Logs a state that differs from the one before.</summary>
    public static void Log(ILogger logger, RouteStatus? before, NodeState state)
    {
        if (!HasRoute(state) || state.Route?.Ipv6 is not { } route) return;
        if (before?.Ipv6 is { } known && known.HasSameContentAs(route)) return;
        if (route.State is RouteState.Available or RouteState.Pending)
            NodeLog.Ipv6RouteState(logger, route.Subnet, route.State, Colon(route.Message));
        else
            NodeLog.Ipv6RouteFailure(logger, route.Subnet, route.State, Colon(route.Message), route.RequestId);
    }

    public static void AppendMetrics(MetricText text, NodeState state)
    {
        if (!HasRoute(state)) return;
        foreach (var each in Enum.GetValues<RouteState>())
            text.Add(MetricCatalog.Ipv6RouteState, each == state.Route?.Ipv6?.State, each.ToString());
    }

    private static bool HasRoute(NodeState state) => state is { InstanceId: not null, Lease.Key.Ipv6Subnet: not null };

    private static string Colon(string message) => message.Length > 0 ? $": {message}" : "";
}
