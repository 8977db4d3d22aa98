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

    /// <summary>Another instance uses this node's public address, and nothing proves that it is deleted. Nothing was changed.</summary>
    /// <param name="Lease">The other instance's.</param>
    public sealed record AddressInUse(Lease Lease) : AcquireResult;

    /// <summary>The subnet manager rejects the request, and retrying does not help.</summary>
    public sealed record Rejected(SubnetManagerException Error) : AcquireResult;
}
