using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Observation;

/// <summary>An entry inside the network, or in conflict with a route, that this controller does not change.</summary>
/// <param name="Destination">As the API lists it.</param>
/// <param name="Cluster">The mark of the other cluster that it belongs to; null if it has none.</param>
public sealed record RouteConflict(
    string RouteTableId, string RouteEntryId, string Destination, ConflictKind Kind, string Name, string? Cluster = null);
