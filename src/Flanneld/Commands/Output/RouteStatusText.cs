using Flannel.Core;
using Flannel.Core.Routes;

namespace Flanneld.Commands.Output;

/// <summary>A route status in one line, for people. Pure.</summary>
internal static class RouteStatusText
{
    /// <summary>Such as <c>Denied in vtb-a: vpc:CreateRouteEntries (request 1A2B)</c>.</summary>
    public static string Of(RouteStatus route) => $"{Place(route)}{Reason(route)}";

    /// <summary>The same for IPv6, whose tables are those of IPv4.</summary>
    public static string Of(Ipv6RouteStatus route) => route.State + Reason(route.Message, route.RequestId);

    /// <summary>The same with the time of the status after the tables.</summary>
    public static string WithTime(RouteStatus route) => $"{Place(route)} since {UtcText.Of(route.Time)}{Reason(route)}";

    private static string Place(RouteStatus route) =>
        route.RouteTableIds.Count > 0 ? $"{route.State} in {string.Join(", ", route.RouteTableIds)}" : route.State.ToString();

    private static string Reason(RouteStatus route) => Reason(route.Message, route.RequestId);

    private static string Reason(string message, string requestId)
    {
        var text = message.Length > 0 ? $": {message}" : "";
        var request = requestId.Length > 0 ? $" (request {requestId})" : "";
        return text + request;
    }
}
