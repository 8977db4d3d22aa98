using Flannel.Core.Addresses;

namespace Flannel.Core.Leases;

/// <summary>The owner of a lease from the point of view of one node.</summary>
public enum LeaseOwnerKind
{
    /// <summary>This node.</summary>
    Own,

    /// <summary>A deleted instance. The cloud has assigned its private address to this node.</summary>
    OfFormerInstance,

    /// <summary>The lease has this node's public address, but names another instance, or one that cannot be compared with this
    /// node's.</summary>
    AddressInUse,

    /// <summary>Another node, as far as is known.</summary>
    Other,
}

/// <summary>The node that a subnet is for. Nodes are distinguished by their instance, and by their public address where a lease names no
/// instance (upstream flannel, other backends, reservations).</summary>
/// <param name="PublicIp">The node's address.</param>
/// <param name="PreviousSubnet">The subnet that the node had before. It is read first, and taken if the node has no lease and the subnet is
/// free and fits.</param>
public sealed record LeaseOwner(Ipv4Address PublicIp, Ipv4Network? PreviousSubnet)
{
    /// <summary>The same as <see cref="PreviousSubnet"/> for IPv6.</summary>
    public Ipv6Network? PreviousIpv6Subnet { get; init; }

    /// <summary>Null if it is not known yet, and where there is none.</summary>
    public LeaseInstance? Instance { get; init; }

    /// <summary>True if the metadata service reports <see cref="PublicIp"/> as an address of this instance's own interface. A VPC assigns
    /// an address once, so an instance that had it before is deleted. An address from an option proves nothing.</summary>
    public bool IsAddressConfirmed { get; init; }

    public LeaseOwnerKind Classify(Lease lease)
    {
        var isSameAddress = lease.Attributes.PublicIp == PublicIp;
        if (LeaseInstance.Read(lease.Attributes) is not { } instance) return isSameAddress ? LeaseOwnerKind.Own : LeaseOwnerKind.Other;
        if (instance.Id == Instance?.Id) return LeaseOwnerKind.Own;
        if (!isSameAddress) return LeaseOwnerKind.Other;
        return IsAddressConfirmed && instance.VpcId == Instance?.VpcId ? LeaseOwnerKind.OfFormerInstance : LeaseOwnerKind.AddressInUse;
    }
}
