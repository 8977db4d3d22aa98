using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;

namespace Flannel.RouteController.Planning;

/// <summary>The route of a node with a lease. Every serving table must have it.</summary>
public sealed record DesiredRoute(Lease Lease, AliVpcBackendData Node)
{
    public Ipv4Network Destination => Lease.Subnet;

    /// <summary>The name of the lease's key, and of its status.</summary>
    public string Key => Lease.Key.ToString();

    public NextHop NextHop => NextHops.Of(Node);

    /// <summary>Whether the entry leads to this node and to no other next hop.</summary>
    public bool IsSatisfiedBy(RouteEntry entry) => entry.NextHops is [var hop] && NextHops.AreEqual(hop, NextHop);
}
