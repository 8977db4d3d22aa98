using Flannel.Core.Addresses;

namespace Flannel.Core.Configuration;

/// <summary>The IPv6 part of the network configuration of a dual-stack cluster, with upstream's defaults. Every value has passed upstream's
/// checks. Immutable.</summary>
/// <param name="Network">The range of all IPv6 subnets.</param>
/// <param name="SubnetLength">The prefix length of each node's IPv6 subnet.</param>
/// <param name="SubnetMin">The first address of the first subnet that may be leased; by default the second subnet of the network.</param>
/// <param name="SubnetMax">The first address of the last subnet that may be leased.</param>
public sealed record Ipv6Config(Ipv6Network Network, int SubnetLength, UInt128 SubnetMin, UInt128 SubnetMax)
{
    /// <summary>The number of subnets in the range.</summary>
    public UInt128 SubnetCount => (SubnetMax - SubnetMin >> (128 - SubnetLength)) + 1;

    public override string ToString() =>
        $"{Network} IPv6SubnetLen {SubnetLength} {Ipv6Network.FormatAddress(SubnetMin)}..{Ipv6Network.FormatAddress(SubnetMax)}";
}
