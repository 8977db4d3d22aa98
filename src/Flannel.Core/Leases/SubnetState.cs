using Flannel.Core.Addresses;
using Flannel.Core.Configuration;

namespace Flannel.Core.Leases;

/// <summary>The configuration and all leases at one revision of the subnet manager.</summary>
/// <param name="Leases">Every lease whose key and value can be read, in the order of the keys. A read for one owner returns only its
/// own.</param>
/// <param name="Taken">Every subnet that must not be leased: those of the leases, and those of keys that name a subnet but cannot be
/// read.</param>
/// <param name="Revision">The subnet manager's revision of this state.</param>
/// <param name="IsComplete">False if the value of a lease cannot be read.</param>
public record SubnetState(
    ConfigState Config, IReadOnlyList<Lease> Leases, IReadOnlyList<Ipv4Network> Taken, long Revision, bool IsComplete)
{
    private static readonly IReadOnlyDictionary<string, IReadOnlyList<Ipv4Network>> NoVSwitches =
        new Dictionary<string, IReadOnlyList<Ipv4Network>>();

    /// <summary>The same as <see cref="Taken"/> for IPv6.</summary>
    public IReadOnlyList<Ipv6Network> TakenIpv6 { get; init; } = [];

    /// <summary>The ranges of the vSwitches by VPC id, as the route controller published them; empty until then.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<Ipv4Network>> VSwitches { get; init; } = NoVSwitches;

    /// <summary>True if only the lease of one owner was read. That is sufficient to hold the lease, but not to choose another
    /// one.</summary>
    public bool IsOwnLeaseOnly { get; init; }

    public LeaseSnapshot ToSnapshot() => new((Config as ConfigState.Present)?.Config, Leases, Revision, IsComplete && !IsOwnLeaseOnly);
}
