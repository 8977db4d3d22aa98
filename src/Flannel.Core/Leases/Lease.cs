using Flannel.Core.Addresses;

namespace Flannel.Core.Leases;

/// <summary>A subnet that a node holds, as the subnet manager has it.</summary>
/// <param name="Key">The subnet; also the name of the key below <c>{prefix}/subnets/</c>.</param>
/// <param name="Attributes">The value, which the node wrote.</param>
/// <param name="EtcdLeaseId">The etcd lease that the key is attached to; 0 for a reservation, which never expires.</param>
/// <param name="CreateRevision">etcd's revision at which the key was created: distinguishes one holder of a subnet from the next.</param>
/// <param name="ModRevision">etcd's revision of the last write, which every change of the value compares.</param>
public sealed record Lease(SubnetKey Key, LeaseAttributes Attributes, long EtcdLeaseId, long CreateRevision, long ModRevision)
{
    public Ipv4Network Subnet => Key.Subnet;

    /// <summary>The IPv4 subnet, and the IPv6 subnet of a dual-stack node.</summary>
    public IEnumerable<IpNetwork> Destinations => Key.Ipv6Subnet is { } ipv6 ? [Subnet, ipv6] : [Subnet];

    /// <summary>A key without an etcd lease, which an operator created for the node with this public address.</summary>
    public bool IsReservation => EtcdLeaseId == 0;
}
