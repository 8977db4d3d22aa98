using CsCheck;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;

namespace Flannel.Core.Tests.Leases;

public sealed class SubnetAllocatorTests
{
    private static readonly Gen<(NetworkConfig Config, Ipv4Network[] Taken)> Cases =
        from length in Gen.Int[1, 28]
        from split in Gen.Int[2, 8]
        from address in Gen.OneOf<uint>(Gen.UInt, Gen.OneOf(0u, 1u << 31, (1u << 31) - 1, uint.MaxValue, 0xFFFF0000u, 10u << 24))
        let network = new Ipv4Network(new Ipv4Address(address), length)
        let subnetLength = Math.Min(30, length + split)
        let count = 1 << (subnetLength - length)
        from first in Gen.Int[0, count - 1]
        from last in Gen.Int[first, count - 1]
        from taken in Gen.Select(
            Gen.Int[-3, count + 2], Gen.OneOf<int>(Gen.Const(subnetLength), Gen.Int[0, 32]), Gen.UInt,
            (index, size, host) => new LeasedPrefix(index, size, host)).Array[0, 40]
        select (Config(network, subnetLength, first, last), taken.Select(lease => Lease(network, subnetLength, lease)).ToArray());

    [Fact]
    public void Each_free_subnet_is_picked_for_one_random_number() => Cases.Always(sample =>
    {
        var (config, taken) = sample;
        var free = SlowFree(config, taken);
        Assert.Equal(free.Count, SubnetAllocator.CountFree(config, taken));
        if (free.Count == 0) Assert.Null(SubnetAllocator.Pick(config, taken, new FixedRandom(0)));
        for (var number = 0; number < free.Count; number++)
        {
            var chosen = new FixedRandom(number);
            Assert.Equal(free[number], SubnetAllocator.Pick(config, taken, chosen));
            Assert.Equal(free.Count, chosen.Bound);
        }
    }, times: 2_000);

    [Fact]
    public void A_subnet_fits_if_and_only_if_it_belongs_to_the_range() =>
        Gen.Select(Cases, Gen.Int[-2, 258], Gen.Int[-1, 1], Gen.UInt).Always(sample =>
        {
            var ((config, _), index, longer, host) = sample;
            var subnet = Lease(config.Network, config.SubnetLength, new(index, Math.Clamp(config.SubnetLength + longer, 0, 32), host));
            Assert.Equal(SlowRange(config).Contains(subnet), SubnetAllocator.Fits(config, subnet));
        });

    [Theory]
    [InlineData("0.0.0.0/8", 24, 65_535)]
    [InlineData("0.0.0.0/1", 3, 3)]
    [InlineData("128.0.0.0/1", 30, (1L << 29) - 1)]
    [InlineData("255.255.0.0/16", 24, 255)]
    [InlineData("255.255.255.240/28", 30, 3)]
    [InlineData("254.0.0.0/7", 30, (1L << 23) - 1)]
    public void The_first_and_the_last_subnet_of_the_address_space_can_be_picked(string text, int subnetLength, long count)
    {
        var network = Ipv4Network.Parse(text);
        var config = Config(network, subnetLength, 1, (1 << (subnetLength - network.Length)) - 1);
        Assert.Equal(count, SubnetAllocator.CountFree(config, []));
        Assert.Equal(config.SubnetMin, SubnetAllocator.Pick(config, [], new FixedRandom(0))?.Address);
        Assert.Equal(network.Last, SubnetAllocator.Pick(config, [], new FixedRandom(count - 1))?.Last);
        Assert.Equal(count - 1, SubnetAllocator.CountFree(config, [new Ipv4Network(config.SubnetMax, subnetLength)]));
        Assert.Null(SubnetAllocator.Pick(config, [network], new FixedRandom(0)));
        Assert.Null(SubnetAllocator.Pick(config, [default], new FixedRandom(0)));
    }

    [Fact]
    public void Every_free_subnet_is_as_likely_as_the_others()
    {
        // 255 subnets, 240 of them taken in three runs and single ones: 15 are left.
        var network = Ipv4Network.Parse("10.24.0.0/16");
        var config = Config(network, 24, 1, 255);
        var taken = Enumerable.Range(1, 255).Where(i => i % 17 != 0).Select(i => Lease(network, 24, new(i, 24, 0))).ToArray();
        const int picks = 30_000;
        var random = new Random(20260810);
        var counts = Enumerable.Range(0, picks).CountBy(_ => SubnetAllocator.Pick(config, taken, random)!.Value).ToArray();
        Assert.Equal(15, counts.Length);
        var expected = picks / 15.0;
        var chiSquare = counts.Sum(count => (count.Value - expected) * (count.Value - expected) / expected);
        // The 99.9 % quantile for 14 degrees of freedom. The seed is fixed, so the result is always the same.
        Assert.InRange(chiSquare, 0, 36.1);
    }

    [Fact]
    public void Leases_are_enumerated_once_in_any_order()
    {
        var network = Ipv4Network.Parse("10.0.0.0/8");
        var config = Config(network, 24, 1, 65_535);
        var order = Enumerable.Range(1, 65_535).ToArray();
        new Random(1).Shuffle(order);
        var (taken, free) = (order[..65_000], order[65_000..].Order().ToArray());
        var read = 0;
        IEnumerable<Ipv4Network> Once()
        {
            foreach (var index in taken)
            {
                read++;
                yield return Lease(network, 24, new(index, 24, 0));
            }
        }

        Assert.Equal(Lease(network, 24, new(free[100], 24, 0)), SubnetAllocator.Pick(config, Once(), new FixedRandom(100)));
        Assert.Equal(65_000, read);
        Assert.Equal(535, SubnetAllocator.CountFree(config, Once()));
        Assert.Null(SubnetAllocator.Pick(config, order.Select(index => Lease(network, 24, new(index, 24, 0))), new FixedRandom(0)));
    }

    [Fact]
    public void A_lease_of_another_length_takes_every_subnet_that_it_overlaps()
    {
        var network = Ipv4Network.Parse("10.24.0.0/16");
        var config = Config(network, 24, 1, 255);
        Assert.Equal(255 - 15, Free("10.24.0.0/20"));
        Assert.Equal(255 - 16, Free("10.24.16.0/20", "10.24.17.0/24"));
        Assert.Equal(255 - 1, Free("10.24.9.0/30", "10.24.9.252/30"));
        Assert.Equal(255, Free("10.24.0.0/24", "10.25.0.0/24", "9.0.0.0/8"));

        long Free(params string[] taken) => SubnetAllocator.CountFree(config, taken.Select(Ipv4Network.Parse));
    }

    private static NetworkConfig Config(Ipv4Network network, int subnetLength, int first, int last) => new()
    {
        Network = network,
        SubnetLength = subnetLength,
        SubnetMin = Lease(network, subnetLength, new(first, subnetLength, 0)).Address,
        SubnetMax = Lease(network, subnetLength, new(last, subnetLength, 0)).Address,
        BackendType = "ali-vpc",
    };

    /// <summary>A prefix that contains an address of the subnet with that index. It may be outside the network, and the address
    /// wraps around.</summary>
    private static Ipv4Network Lease(Ipv4Network network, int subnetLength, LeasedPrefix lease)
    {
        var size = 1L << (32 - subnetLength);
        return new Ipv4Network(new Ipv4Address(unchecked((uint)(network.Address.Value + lease.Index * size + lease.Host % size))),
            lease.Length);
    }

    /// <param name="Host">Added to the first address of the subnet.</param>
    private readonly record struct LeasedPrefix(int Index, int Length, uint Host);

    private static List<Ipv4Network> SlowFree(NetworkConfig config, Ipv4Network[] taken) =>
        [.. SlowRange(config).Where(subnet => !taken.Any(subnet.Overlaps))];

    private static IEnumerable<Ipv4Network> SlowRange(NetworkConfig config)
    {
        for (ulong address = config.SubnetMin.Value; address <= config.SubnetMax.Value; address += 1UL << (32 - config.SubnetLength))
            yield return new Ipv4Network(new Ipv4Address((uint)address), config.SubnetLength);
    }

    /// <summary>Returns a fixed number.</summary>
    private sealed class FixedRandom(long number) : Random
    {
        public long Bound { get; private set; }

        public override long NextInt64(long maxValue)
        {
            Bound = maxValue;
            return number;
        }
    }
}
