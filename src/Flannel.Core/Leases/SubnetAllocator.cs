using Flannel.Core.Addresses;
using Flannel.Core.Configuration;

namespace Flannel.Core.Leases;

/// <summary>Chooses the subnet of a new node. Pure.</summary>
public static class SubnetAllocator
{
    /// <summary>A random subnet of the range that overlaps no lease, with uniform distribution, so that nodes which start at the same time
    /// rarely choose the same one. One pass over the leases, sorted by address; the cost does not depend on the size of the
    /// range.</summary>
    /// <returns>Null if no subnet is free.</returns>
    public static Ipv4Network? Pick(NetworkConfig config, IEnumerable<Ipv4Network> taken, Random random)
    {
        var gaps = FindGaps(config, taken);
        var free = gaps.Sum(gap => gap.Count);
        if (free == 0) return null;
        var index = random.NextInt64(free);
        foreach (var gap in gaps)
        {
            if (index < gap.Count) return SubnetAt(config, gap.First + index);
            index -= gap.Count;
        }

        throw new InvalidOperationException("the sum of the gaps is wrong");
    }

    /// <summary>The number of free subnets of the range.</summary>
    public static long CountFree(NetworkConfig config, IEnumerable<Ipv4Network> taken) => FindGaps(config, taken).Sum(gap => gap.Count);

    /// <summary>True if <see cref="Pick"/> can return the subnet under this configuration.</summary>
    public static bool Fits(NetworkConfig config, Ipv4Network subnet) =>
        subnet.Length == config.SubnetLength && subnet.Address >= config.SubnetMin && subnet.Address <= config.SubnetMax;

    /// <summary>A run of free subnets, counted in subnets from address 0.0.0.0.</summary>
    private readonly record struct Gap(long First, long Count);

    private static List<Gap> FindGaps(NetworkConfig config, IEnumerable<Ipv4Network> taken)
    {
        var shift = 32 - config.SubnetLength;
        long next = config.SubnetMin.Value >> shift;
        long last = config.SubnetMax.Value >> shift;
        var gaps = new List<Gap>();
        foreach (var lease in taken.Order())
        {
            long from = lease.Address.Value >> shift;
            long to = lease.Last.Value >> shift;
            if (to < next) continue;
            if (from > last) break;
            if (from > next) gaps.Add(new Gap(next, from - next));
            next = to + 1;
        }

        if (next <= last) gaps.Add(new Gap(next, last - next + 1));
        return gaps;
    }

    private static Ipv4Network SubnetAt(NetworkConfig config, long index) =>
        new(new Ipv4Address((uint)(index << (32 - config.SubnetLength))), config.SubnetLength);
}
