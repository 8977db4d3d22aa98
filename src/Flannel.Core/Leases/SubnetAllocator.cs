using Flannel.Core.Addresses;
using Flannel.Core.Configuration;

namespace Flannel.Core.Leases;

/// <summary>Chooses the subnet of a new node. Pure.</summary>
public static class SubnetAllocator
{
    /// <summary>A random subnet of the range that overlaps no lease, with uniform distribution, so that nodes which start at the same time
    /// rarely choose the same one.</summary>
    /// <returns>Null if no subnet is free.</returns>
    public static Ipv4Network? Pick(NetworkConfig config, IEnumerable<Ipv4Network> taken, Random random) =>
        FindFree(config, taken).Pick(random)?.Ipv4;

    /// <summary>The number of free subnets of the range.</summary>
    public static long CountFree(NetworkConfig config, IEnumerable<Ipv4Network> taken) => (long)FindFree(config, taken).Count;

    /// <summary>True if <see cref="Pick"/> can return the subnet under this configuration.</summary>
    public static bool Fits(NetworkConfig config, Ipv4Network subnet) =>
        subnet.Length == config.SubnetLength && subnet.Address >= config.SubnetMin && subnet.Address <= config.SubnetMax;

    /// <summary>Whether a node that holds the key may keep it. A node that started before IPv6 was enabled stays without an IPv6
    /// subnet.</summary>
    public static bool Fits(NetworkConfig config, SubnetKey key) =>
        Fits(config, key.Subnet)
        && (key.Ipv6Subnet is not { } subnet || (config.Ipv6 is { } ipv6 && Ipv6SubnetAllocator.Fits(ipv6, subnet)));

    private static FreeSubnets FindFree(NetworkConfig config, IEnumerable<Ipv4Network> taken) =>
        FreeSubnets.Find(config.SubnetMin, config.SubnetMax, config.SubnetLength, taken.Select(lease => (IpNetwork)lease));
}
