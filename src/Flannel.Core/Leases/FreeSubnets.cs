using System.Buffers.Binary;
using Flannel.Core.Addresses;

namespace Flannel.Core.Leases;

/// <summary>The free subnets of a range of one family. Immutable.</summary>
internal sealed class FreeSubnets
{
    private readonly List<Gap> gaps = [];
    private readonly int length;
    private readonly bool isV6;

    private FreeSubnets(int length, bool isV6) => (this.length, this.isV6) = (length, isV6);

    /// <summary>A run of free subnets, counted in subnets from the first address of the family. A length is at most 126, so that no count
    /// overflows.</summary>
    private readonly record struct Gap(UInt128 First, UInt128 Count);

    public UInt128 Count => gaps.Aggregate(UInt128.Zero, (sum, gap) => sum + gap.Count);

    /// <summary>One pass over the leases, sorted by address; the cost does not depend on the size of the range.</summary>
    /// <param name="min">The first address of the first subnet of the range.</param>
    /// <param name="max">The first address of the last subnet of the range.</param>
    /// <param name="length">The prefix length of the subnets.</param>
    /// <param name="taken">Of the same family, and of any length.</param>
    public static FreeSubnets Find(IpAddress min, IpAddress max, int length, IEnumerable<IpNetwork> taken)
    {
        var free = new FreeSubnets(length, min.IsV6);
        var shift = min.Bits - length;
        var next = min.Value >> shift;
        var last = max.Value >> shift;
        foreach (var lease in taken.Order())
        {
            var from = lease.Address.Value >> shift;
            var to = lease.Last.Value >> shift;
            if (to < next) continue;
            if (from > last) break;
            if (from > next) free.gaps.Add(new Gap(next, from - next));
            next = to + 1;
        }

        if (next <= last) free.gaps.Add(new Gap(next, last - next + 1));
        return free;
    }

    /// <summary>One of them, with uniform distribution.</summary>
    /// <returns>Null if none is free.</returns>
    public IpNetwork? Pick(Random random)
    {
        if (Count == UInt128.Zero) return null;
        var index = Next(random, Count);
        foreach (var gap in gaps)
        {
            if (index < gap.Count) return SubnetAt(gap.First + index);
            index -= gap.Count;
        }

        throw new InvalidOperationException("the sum of the gaps is wrong");
    }

    private IpNetwork SubnetAt(UInt128 index)
    {
        var first = new IpAddress(0, isV6);
        return new IpNetwork(first with { Value = index << (first.Bits - length) }, length);
    }

    /// <summary>Below <paramref name="bound"/>, with uniform distribution.</summary>
    private static UInt128 Next(Random random, UInt128 bound)
    {
        if (bound <= (UInt128)long.MaxValue) return (UInt128)random.NextInt64((long)bound);
        // A value beyond the last multiple of the bound is drawn again.
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
