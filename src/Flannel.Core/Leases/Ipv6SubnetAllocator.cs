using System.Buffers.Binary;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;

namespace Flannel.Core.Leases;

/// <summary>Chooses the IPv6 subnet of a node, as <see cref="SubnetAllocator"/> does for IPv4. Pure.</summary>
public static class Ipv6SubnetAllocator
{
    /// <summary>A random subnet of the range that overlaps no lease, with uniform distribution.</summary>
    /// <returns>Null if no subnet is free.</returns>
    public static Ipv6Network? Pick(Ipv6Config config, IEnumerable<Ipv6Network> taken, Random random)
    {
        var gaps = FindGaps(config, taken);
        var free = gaps.Aggregate(UInt128.Zero, (sum, gap) => sum + gap.Count);
        if (free == UInt128.Zero) return null;
        var index = Next(random, free);
        foreach (var gap in gaps)
        {
            if (index < gap.Count) return SubnetAt(config, gap.First + index);
            index -= gap.Count;
        }

        throw new InvalidOperationException("the sum of the gaps is wrong");
    }

    /// <summary>True if <see cref="Pick"/> can return the subnet under this configuration.</summary>
    public static bool Fits(Ipv6Config config, Ipv6Network subnet) =>
        subnet.Length == config.SubnetLength && subnet.Address >= config.SubnetMin && subnet.Address <= config.SubnetMax;

    /// <summary>A run of free subnets, counted in subnets from address ::. A length is at most 126, so that no count overflows.</summary>
    private readonly record struct Gap(UInt128 First, UInt128 Count);

    private static List<Gap> FindGaps(Ipv6Config config, IEnumerable<Ipv6Network> taken)
    {
        var shift = 128 - config.SubnetLength;
        var next = config.SubnetMin >> shift;
        var last = config.SubnetMax >> shift;
        var gaps = new List<Gap>();
        foreach (var lease in taken.Order())
        {
            var from = lease.Address >> shift;
            var to = lease.Last >> shift;
            if (to < next) continue;
            if (from > last) break;
            if (from > next) gaps.Add(new Gap(next, from - next));
            next = to + 1;
        }

        if (next <= last) gaps.Add(new Gap(next, last - next + 1));
        return gaps;
    }

    private static Ipv6Network SubnetAt(Ipv6Config config, UInt128 index) =>
        new(index << (128 - config.SubnetLength), config.SubnetLength);

    /// <summary>Below <paramref name="bound"/>, with uniform distribution: a value beyond the last multiple of it is drawn
    /// again.</summary>
    private static UInt128 Next(Random random, UInt128 bound)
    {
        var limit = UInt128.MaxValue - UInt128.MaxValue % bound;
        Span<byte> bytes = stackalloc byte[16];
        while (true)
        {
            random.NextBytes(bytes);
            var value = BinaryPrimitives.ReadUInt128BigEndian(bytes);
            if (value < limit) return value % bound;
        }
    }
}
