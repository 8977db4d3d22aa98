using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;

namespace Flannel.RouteController.Planning;

/// <summary>The route of a node with a lease. Every serving table must have it.</summary>
/// <param name="IsIpv6">Whether it is the route of the lease's IPv6 subnet.</param>
public sealed record DesiredRoute(Lease Lease, AliVpcBackendData Node, bool IsIpv6 = false)
{
    public IpNetwork Destination => IsIpv6 ? Lease.Key.Ipv6Subnet!.Value : Lease.Subnet;

    /// <summary>The route of the same node's IPv6 subnet; null if its lease has none.</summary>
    public DesiredRoute? Ipv6 => Lease.Key.Ipv6Subnet is null ? null : this with { IsIpv6 = true };

    /// <summary>The name of the lease's key, and of its status.</summary>
    public string Key { get; } = Lease.Key.ToString();

    public NextHop NextHop { get; } = NextHops.Of(Node);

    /// <summary>Whether the entry leads to this node and to no other next hop.</summary>
    public bool IsSatisfiedBy(RouteEntry entry) => entry.NextHops is [var hop] && NextHops.AreEqual(hop, NextHop);
}
