using Flannel.Core.Configuration;

namespace Flannel.Core.Leases;

/// <summary>The outcome of <see cref="ISubnetManager.AcquireAsync"/>.</summary>
public abstract record AcquireResult
{
    public sealed record Held(HeldLease Lease) : AcquireResult;

    /// <summary>There is no usable configuration; see <see cref="ISubnetManager.WaitForConfigAsync"/>.</summary>
    public sealed record NoConfig(ConfigState Config) : AcquireResult;

    /// <summary><see cref="AcquireRequest.AttributesFor"/> returned null.</summary>
    public sealed record UnsupportedConfig(NetworkConfig Config) : AcquireResult;

    /// <summary>Every subnet of the range is leased or excluded; see <see cref="ISubnetManager.WaitForFreeSubnetAsync"/>.</summary>
    public sealed record OutOfSubnets(NetworkConfig Config, long Revision) : AcquireResult
    {
        /// <summary>True if it is the IPv6 range that has no free subnet.</summary>
        public bool IsIpv6 { get; init; }
    }

    /// <summary>The subnet manager assigns subnets itself, and this node has none that can be used; see
    /// <see cref="ISubnetManager.WaitForAssignmentAsync"/>.</summary>
    /// <param name="Reason">One line: what is missing or wrong, and what to do.</param>
    public abstract record Unassigned(string Reason) : AcquireResult
    {
        /// <summary>Of the assignment and the configuration that were read, in the subnet manager's own form.</summary>
        public string Version { get; init; } = "";
    }

    /// <summary>No subnet is assigned to this node yet.</summary>
    public sealed record NotAssigned(string Reason) : Unassigned(Reason);

    /// <summary>The assigned subnet is not one of the network configuration.</summary>
    public sealed record OutsideNetwork(string Reason) : Unassigned(Reason);

    /// <summary>Another instance uses this node's public address, and nothing proves that it is deleted. Nothing was changed.</summary>
    /// <param name="Lease">The other instance's.</param>
    public sealed record AddressInUse(Lease Lease) : AcquireResult;

    /// <summary>The subnet manager rejects the request, and retrying does not help.</summary>
    public sealed record Rejected(SubnetManagerException Error) : AcquireResult;
}
