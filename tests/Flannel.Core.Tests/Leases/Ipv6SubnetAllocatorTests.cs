using CsCheck;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;

namespace Flannel.Core.Tests.Leases;

public sealed class Ipv6SubnetAllocatorTests
{
    private static readonly Gen<(Ipv6Config Config, Ipv6Network[] Taken)> Cases =
        from length in Gen.Int[1, 124]
        from split in Gen.Int[2, 6]
        from high in Gen.OneOf<ulong>(Gen.ULong, Gen.OneOf(0UL, ulong.MaxValue, 0xFC00UL << 48))
        from low in Gen.OneOf<ulong>(Gen.ULong, Gen.OneOf(0UL, ulong.MaxValue))
        let network = new Ipv6Network(new UInt128(high, low), length)
        let subnetLength = Math.Min(126, length + split)
        let count = 1 << (subnetLength - length)
        from first in Gen.Int[0, count - 1]
        from last in Gen.Int[first, count - 1]
        from taken in Gen.Select(
            Gen.Int[-3, count + 2], Gen.OneOf<int>(Gen.Const(subnetLength), Gen.Int[0, 128]), Gen.ULong,
            (index, size, host) => new Ipv6Network(unchecked(At(network, subnetLength, index) + host % Size(subnetLength)), size))
            .Array[0, 30]
        select (
            new Ipv6Config(network, subnetLength, At(network, subnetLength, first), At(network, subnetLength, last)), taken);

    [Fact]
    public void A_picked_subnet_is_in_the_range_and_overlaps_no_lease() => Gen.Select(Cases, Gen.Int).Always(sample =>
    {
        var ((config, taken), seed) = sample;
        var free = Range(config).Where(subnet => !taken.Any(subnet.Overlaps)).ToHashSet();
        var picked = Ipv6SubnetAllocator.Pick(config, taken, new Random(seed));
        if (free.Count == 0) Assert.Null(picked);
        else Assert.Contains(picked!.Value, free);
    }, times: 5_000);

    [Fact]
    public void A_subnet_fits_if_and_only_if_it_belongs_to_the_range() =>
        Gen.Select(Cases, Gen.Int[-2, 66], Gen.Int[-1, 1]).Always(sample =>
        {
            var ((config, _), index, longer) = sample;
            var subnet = new Ipv6Network(At(config.Network, config.SubnetLength, index), config.SubnetLength + longer);
            Assert.Equal(Range(config).Contains(subnet), Ipv6SubnetAllocator.Fits(config, subnet));
        });

    [Fact]
    public void Every_free_subnet_is_as_likely_as_the_others()
    {
        // 255 subnets, of which 15 are left.
        var network = Ipv6Network.Parse("fc00::/56");
        var config = new Ipv6Config(network, 64, At(network, 64, 1), At(network, 64, 255));
        var taken = Enumerable.Range(1, 255).Where(i => i % 17 != 0).Select(i => new Ipv6Network(At(network, 64, i), 64)).ToArray();
        const int picks = 30_000;
        var random = new Random(20260810);
        var counts = Enumerable.Range(0, picks).CountBy(_ => Ipv6SubnetAllocator.Pick(config, taken, random)!.Value).ToArray();
        Assert.Equal(15, counts.Length);
        var expected = picks / 15.0;
        var chiSquare = counts.Sum(count => (count.Value - expected) * (count.Value - expected) / expected);
        // The 99.9 % quantile for 14 degrees of freedom. The seed is fixed, so the result is always the same.
        Assert.InRange(chiSquare, 0, 36.1);
    }

    [Theory]
    [InlineData("::/1", 126)]
    [InlineData("8000::/1", 126)]
    [InlineData("fc00::/7", 64)]
    public void A_range_with_more_subnets_than_a_long_can_count_is_used_as_a_whole(string text, int length)
    {
        var network = Ipv6Network.Parse(text);
        var size = UInt128.One << (128 - length);
        var config = new Ipv6Config(network, length, network.Address + size, network.Last - (size - 1));
        var random = new Random(7);
        var middle = network.Address + (network.Last - network.Address) / 2;
        var upper = Enumerable.Range(0, 1000).Count(_ => Ipv6SubnetAllocator.Pick(config, [], random)!.Value.Address > middle);
        Assert.InRange(upper, 400, 600);
        Assert.Null(Ipv6SubnetAllocator.Pick(config, [network], random));
    }

    private static UInt128 Size(int length) => UInt128.One << (128 - length);

    private static UInt128 At(Ipv6Network network, int length, int index) =>
        unchecked(network.Address + (UInt128)(Int128)index * Size(length));

    private static IEnumerable<Ipv6Network> Range(Ipv6Config config)
    {
        for (UInt128 index = 0; index < config.SubnetCount; index++)
            yield return new Ipv6Network(config.SubnetMin + index * Size(config.SubnetLength), config.SubnetLength);
    }
}
