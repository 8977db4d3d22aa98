using Flannel.Core.Addresses;

namespace Flannel.AliCloud.Metadata;

/// <summary>The identity of this instance and of one of its network interfaces. All ids have a valid format.</summary>
/// <param name="NetworkInterfaceId"><c>eni-…</c> of the requested interface.</param>
/// <param name="PrimaryInterface">True if this is the primary interface (eth0): a route to the instance leads to it.</param>
/// <param name="PrivateAddresses">All addresses of the interface, the primary one first.</param>
public sealed record InstanceIdentity(
    string RegionId, string ZoneId, string InstanceId, string VpcId, string VSwitchId, string Mac, string NetworkInterfaceId,
    bool PrimaryInterface, IReadOnlyList<Ipv4Address> PrivateAddresses)
{
    /// <summary>The CIDR block of the interface's vSwitch; null if the metadata service does not return it.</summary>
    public Ipv4Network? VSwitchRange { get; init; }

    /// <summary>The primary CIDR block of the VPC; null if the metadata service does not return it.</summary>
    public Ipv4Network? VpcRange { get; init; }
}

/// <summary>The outcome of reading the identity.</summary>
public abstract record InstanceIdentityResult
{
    private InstanceIdentityResult() { }

    public sealed record Identity(InstanceIdentity Value) : InstanceIdentityResult;

    /// <summary>A server responds at the address of the metadata service, but this is not an ECS instance in a VPC.</summary>
    /// <param name="Reason">One line.</param>
    public sealed record NotAnEcsInstance(string Reason) : InstanceIdentityResult;

    /// <summary>The metadata service is unavailable or failed.</summary>
    /// <param name="Reason">One line.</param>
    public sealed record Unreachable(string Reason) : InstanceIdentityResult;

    /// <summary>The instance has no interface with this MAC address.</summary>
    /// <param name="Known">The MAC addresses of the instance's interfaces.</param>
    public sealed record NoSuchInterface(string Mac, IReadOnlyList<string> Known) : InstanceIdentityResult
    {
        /// <summary>One line.</summary>
        public string Reason => $"no interface of this instance has the MAC address {Mac}; the metadata service lists "
            + (Known.Count == 0 ? "none" : string.Join(", ", Known));
    }
}
