using Flannel.Core.Routes;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Registry;

/// <summary>The condition <c>NetworkUnavailable</c> of a Node for a route status, with the reasons of the cloud controller managers
/// (cloud-provider <c>route_controller.go</c>). Pure.</summary>
internal static class RouteCondition
{
    public const string Created = "RouteCreated";
    public const string NotCreated = "NoRouteCreated";

    private const string MessageStart = "Route to ";
    private const int MaxMessageBytes = 1024;

    /// <summary>The condition to write; null if the present one may stay. <c>FlannelIsUp</c> stays, which the node writes when it uses its
    /// route.</summary>
    /// <param name="hasTunnel">Whether the node may use its subnet without the route (<c>Fallback</c>). Then only the node decides, and its
    /// <c>FlannelIsUp</c> stays until it releases its lease.</param>
    public static NodeCondition? Change(NodeCondition? present, RouteStatus status, bool hasTunnel, DateTimeOffset now)
    {
        if (hasTunnel && status.State != RouteState.Released && present is { IsTrue: false }) return null;
        // The route may exist: the API of the cloud is unavailable.
        if (status.State == RouteState.Unreachable && present is not null) return null;
        var isUnavailable = status.State != RouteState.Available;
        if (!isUnavailable) return present is { IsTrue: false } ? null : new NodeCondition(false, Created, MessageOf(status), now);
        var message = MessageOf(status);
        if (present is { IsTrue: true, Reason: NotCreated } && present.Message == message) return null;
        return new NodeCondition(true, NotCreated, message, present is { IsTrue: true } ? present.LastTransition : now);
    }

    /// <summary>Whether this program's route controller has written a condition, and not a cloud controller manager.</summary>
    public static bool IsOwn(NodeCondition condition) => condition.Message.StartsWith(MessageStart, StringComparison.Ordinal);

    private static string MessageOf(RouteStatus status)
    {
        if (status.State == RouteState.Available) return $"{MessageStart}{status.Subnet} is available";
        var detail = status.Message.Length > 0 ? $": {status.Message}" : "";
        return ShortText.Of($"{MessageStart}{status.Subnet} is not available: {status.State}{detail}", MaxMessageBytes);
    }
}
