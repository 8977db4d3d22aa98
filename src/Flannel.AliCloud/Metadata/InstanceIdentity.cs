using Flannel.Core.Addresses;

namespace Flannel.AliCloud.Metadata;

/// <summary>Who this node is in the cloud. Every value has the shape of what it names.</summary>
/// <param name="NetworkInterfaceId"><c>eni-…</c> of the interface asked about.</param>
/// <param name="PrimaryInterface">Whether that is the instance's primary interface (eth0): a route to the instance ends there.</param>
/// <param name="PrimaryAddress">The interface's own address.</param>
/// <param name="PrivateAddresses">All of the interface's addresses, <paramref name="PrimaryAddress"/> first.</param>
public sealed record InstanceIdentity(
    string RegionId, string ZoneId, string InstanceId, string VpcId, string VSwitchId, string Mac, string NetworkInterfaceId,
    bool PrimaryInterface, Ipv4Address PrimaryAddress, IReadOnlyList<Ipv4Address> PrivateAddresses)
{
    /// <summary>Of the interface's vSwitch; null where the metadata service does not tell it.</summary>
    public Ipv4Network? VSwitchRange { get; init; }

    /// <summary>The VPC's primary range; null where the metadata service does not tell it.</summary>
    public Ipv4Network? VpcRange { get; init; }
}

/// <summary>What became of the question who this node is.</summary>
public abstract record InstanceIdentityResult
{
    private InstanceIdentityResult() { }

    public sealed record Identity(InstanceIdentity Value) : InstanceIdentityResult;

    /// <summary>Something answers at the metadata service's address, and it does not say that this is an ECS instance in a VPC.</summary>
    public sealed record NotAnEcsInstance(string Line) : InstanceIdentityResult;

    /// <summary>Nothing answers there, or not for now.</summary>
    public sealed record Unreachable(string Line) : InstanceIdentityResult;

    /// <summary>The instance has no interface with this hardware address.</summary>
    public sealed record NoSuchInterface(string Mac, IReadOnlyList<string> Known) : InstanceIdentityResult
    {
        /// <summary>For people.</summary>
        public string Line =>
            $"no interface of this instance has the hardware address {Mac}; the metadata service knows {(Known.Count == 0 ? "none" : string.Join(", ", Known))}";
    }
}
