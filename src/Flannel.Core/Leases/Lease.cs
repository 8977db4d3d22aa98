using Flannel.Core.Addresses;

namespace Flannel.Core.Leases;

/// <summary>A subnet that a node holds, as the subnet manager has it.</summary>
/// <param name="Key">The subnet; also the name of the key below <c>{prefix}/subnets/</c>.</param>
/// <param name="Attributes">The value, which the node wrote.</param>
/// <param name="Identity">Of this holding of the subnet.</param>
/// <param name="Version">Changes with every write of the lease. Compared for equality.</param>
public sealed record Lease(SubnetKey Key, LeaseAttributes Attributes, LeaseIdentity Identity, long Version)
{
    public Ipv4Network Subnet => Key.Subnet;

    /// <summary>The IPv4 subnet, and the IPv6 subnet of a dual-stack node.</summary>
    public IEnumerable<IpNetwork> Destinations => Key.Ipv6Subnet is { } ipv6 ? [Subnet, ipv6] : [Subnet];

    /// <inheritdoc cref="LeaseIdentity.IsReservation"/>
    public bool IsReservation => Identity.IsReservation;

    /// <summary>Orders leases by their last write; by their creation if the subnet manager does not know the former.</summary>
    public long WriteOrder => Identity.AreVersionsOrdered ? Version : Identity.Order;
}
