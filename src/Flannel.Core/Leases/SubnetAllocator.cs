using Flannel.Core.Addresses;
using Flannel.Core.Configuration;

namespace Flannel.Core.Leases;

/// <summary>Which subnet a new node takes.</summary>
public static class SubnetAllocator
{
    /// <summary>Uniform over all subnets of the range that overlap no lease, so that nodes which start together rarely
    /// choose alike. One pass over the leases, sorted by address; the cost does not depend on the size of the range.</summary>
    /// <returns>Null when no subnet is free.</returns>
    public static Ipv4Network? Pick(NetworkConfig config, IEnumerable<Ipv4Network> taken, Random random)
    {
        var gaps = Gaps(config, taken, out var free);
        if (free == 0) return null;
        var index = random.NextInt64(free);
        foreach (var (first, count) in gaps)
        {
            if (index < count) return SubnetAt(config, first + index);
            index -= count;
        }

        throw new InvalidOperationException("the gaps do not add up to their sum");
    }

    /// <summary>How many subnets of the range are free: what an operator has left.</summary>
    public static long CountFree(NetworkConfig config, IEnumerable<Ipv4Network> taken)
    {
        Gaps(config, taken, out var free);
        return free;
    }

    /// <summary>Whether a subnet is one that <see cref="Pick"/> could have given under this configuration.</summary>
    public static bool Fits(NetworkConfig config, Ipv4Network subnet) =>
        subnet.Length == config.SubnetLength && subnet.Address >= config.SubnetMin && subnet.Address <= config.SubnetMax;

    /// <summary>Runs of free subnets, counted in subnets from the start of the network.</summary>
    private static List<(long First, long Count)> Gaps(NetworkConfig config, IEnumerable<Ipv4Network> taken, out long free)
    {
        var shift = 32 - config.SubnetLength;
        long next = config.SubnetMin.Value >> shift;
        long last = config.SubnetMax.Value >> shift;
        var gaps = new List<(long, long)>();
        free = 0;
        foreach (var lease in taken.Order())
        {
            long from = lease.Address.Value >> shift;
            long to = lease.Last.Value >> shift;
            if (to < next) continue;
            if (from > last) break;
            if (from > next)
            {
                gaps.Add((next, from - next));
                free += from - next;
            }

            next = to + 1;
        }

        if (next <= last)
        {
            gaps.Add((next, last - next + 1));
            free += last - next + 1;
        }

        return gaps;
    }

    private static Ipv4Network SubnetAt(NetworkConfig config, long index) =>
        new(new Ipv4Address((uint)(index << (32 - config.SubnetLength))), config.SubnetLength);
}
