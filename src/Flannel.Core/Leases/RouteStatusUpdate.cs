using Flannel.Core.Routes;

namespace Flannel.Core.Leases;

/// <summary>A route status to publish.</summary>
/// <param name="Lease">The lease of the node, as the route controller read it. The status disappears with it.</param>
public sealed record RouteStatusUpdate(Lease Lease, RouteStatus Status);
