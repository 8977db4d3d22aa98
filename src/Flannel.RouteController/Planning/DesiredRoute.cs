using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;

namespace Flannel.RouteController.Planning;

/// <summary>A living lease of a node of this program, and so a route that belongs into every table that counts.</summary>
public sealed record DesiredRoute(Lease Lease, AliVpcBackendData Node)
{
    public Ipv4Network Destination => Lease.Subnet;

    /// <summary>The name of the lease's key, and of its status.</summary>
    public string Key => Lease.Key.ToString();

    /// <summary>For the API, <c>Instance</c> is the instance's primary interface; a secondary one is named itself.</summary>
    public NextHop NextHop => Node.PrimaryInterface
        ? new NextHop(NextHops.Instance, Node.InstanceId)
        : new NextHop(NextHops.NetworkInterface, Node.NetworkInterfaceId);

    /// <summary>Whether an entry sends its traffic to this node, and to nobody else.</summary>
    public bool IsServedBy(RouteEntry entry) => entry.NextHops is [var hop] && NextHops.AreEqual(hop, NextHop);
}
