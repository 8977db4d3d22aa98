using Flannel.Core.Addresses;
using Flannel.Core.Leases;

namespace Flannel.Etcd.Registry;

/// <summary>Whose a lease is.</summary>
public enum LeaseOwnerKind
{
    /// <summary>This node's.</summary>
    Own,

    /// <summary>It was written by another instance, which is gone: the cloud has given its address to this one.</summary>
    OfGoneInstance,

    /// <summary>It carries this node's public address, and names another instance, or one that cannot be compared with this
    /// node's.</summary>
    AddressInUse,

    /// <summary>Another node's, as far as is known.</summary>
    Other,
}

/// <summary>Who asks for a subnet. The instance tells nodes apart; the public address does where no instance is named (upstream flannel,
/// other backends, reservations).</summary>
/// <param name="PublicIp">The node's address.</param>
/// <param name="PreviousSubnet">What the node had before: read first, and taken if the node has no lease and this is free and fits.</param>
public sealed record LeaseOwner(Ipv4Address PublicIp, Ipv4Network? PreviousSubnet)
{
    /// <summary>Null while it is not known, and where there is none.</summary>
    public LeaseInstance? Instance { get; init; }

    /// <summary>The metadata service says that <see cref="PublicIp"/> is an address of this instance's own interface. A VPC gives an
    /// address once, so whoever had it before is gone. An address given by hand proves nothing.</summary>
    public bool IsAddressConfirmed { get; init; }

    public LeaseOwnerKind Judge(Lease lease)
    {
        var isSameAddress = lease.Attributes.PublicIp == PublicIp;
        if (LeaseInstance.Read(lease.Attributes) is not { } instance) return isSameAddress ? LeaseOwnerKind.Own : LeaseOwnerKind.Other;
        if (instance.Id == Instance?.Id) return LeaseOwnerKind.Own;
        if (!isSameAddress) return LeaseOwnerKind.Other;
        return IsAddressConfirmed && instance.VpcId == Instance?.VpcId ? LeaseOwnerKind.OfGoneInstance : LeaseOwnerKind.AddressInUse;
    }
}
