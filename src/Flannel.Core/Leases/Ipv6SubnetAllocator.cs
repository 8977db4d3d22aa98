using Flannel.Core.Addresses;
using Flannel.Core.Configuration;

namespace Flannel.Core.Leases;

/// <summary>Chooses the IPv6 subnet of a node, as <see cref="SubnetAllocator"/> does for IPv4. Pure.</summary>
public static class Ipv6SubnetAllocator
{
    /// <summary>A random subnet of the range that overlaps no lease, with uniform distribution.</summary>
    /// <returns>Null if no subnet is free.</returns>
    public static Ipv6Network? Pick(Ipv6Config config, IEnumerable<Ipv6Network> taken, Random random) =>
        FreeSubnets.Find(
            IpAddress.V6(config.SubnetMin), IpAddress.V6(config.SubnetMax), config.SubnetLength, taken.Select(lease => (IpNetwork)lease))
            .Pick(random)?.Ipv6;

    /// <summary>True if <see cref="Pick"/> can return the subnet under this configuration.</summary>
    public static bool Fits(Ipv6Config config, Ipv6Network subnet) =>
        subnet.Length == config.SubnetLength && subnet.Address >= config.SubnetMin && subnet.Address <= config.SubnetMax;
}
