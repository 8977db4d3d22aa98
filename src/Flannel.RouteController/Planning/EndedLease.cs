using Flannel.Core.Addresses;

namespace Flannel.RouteController.Planning;

/// <summary>A lease of a node that this controller saw end.</summary>
/// <param name="NextHopId">The next hop of its route.</param>
/// <param name="At">When it was seen, as a timestamp of the time provider.</param>
public sealed record EndedLease(VpcId Vpc, IpNetwork Subnet, string NextHopId, long At);
