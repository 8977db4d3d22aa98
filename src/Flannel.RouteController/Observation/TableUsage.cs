namespace Flannel.RouteController.Observation;

/// <summary>How full a route table is.</summary>
/// <param name="CustomEntries">What counts against the table's quota.</param>
/// <param name="Limit">How many it may hold, as far as is known.</param>
public sealed record TableUsage(string RouteTableId, string VpcId, int CustomEntries, int Limit);
