namespace Flannel.Core.Routes;

/// <summary>When a node is reached through the tunnel in place of its route. Pure. The node and its peers apply the same rule.</summary>
public static class RouteFallback
{
    /// <summary>Whether the route is in fallback after a status. Only the states that say that the route cannot be created begin it, and
    /// only an available route ends it. Everything else keeps the last decision, so that a transient state changes no path.
    /// <see cref="RouteState.Rejected"/> does not begin it, because a subnet that overlaps the VPC is rejected, and a host route would
    /// redirect traffic of the VPC. <see cref="RouteState.Unreachable"/> does not, because the route may exist.</summary>
    /// <param name="last">The last decision.</param>
    /// <param name="status">Null if there is none for this holding of the subnet.</param>
    public static bool Next(bool last, RouteStatus? status) => status?.State switch
    {
        RouteState.QuotaExceeded or RouteState.Conflict or RouteState.Denied => true,
        RouteState.Available => false,
        _ => last,
    };
}
