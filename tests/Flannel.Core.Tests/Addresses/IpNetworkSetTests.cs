using CsCheck;
using Flannel.Core.Addresses;

namespace Flannel.Core.Tests.Addresses;

public sealed class IpNetworkSetTests
{
    private const string Seed = "0005vQ2mXe7T";

    /// <summary>Prefixes of both families, most of which overlap.</summary>
    private static readonly Gen<IpNetwork> Network = Gen.Select(Gen.Int[0, 63], Gen.Int[0, 8], Gen.Bool, (number, length, isV6) => isV6
        ? new IpNetwork(IpAddress.V6((UInt128)(uint)number << 122), length)
        : new IpNetwork(new Ipv4Address((uint)number << 26), length));

    [Fact]
    public void The_first_overlap_equals_that_of_a_comparison_with_all() => Gen.Select(Network.Array[0, 12], Network).Sample(
        (networks, network) =>
        {
            IpNetwork? expected = networks.Where(network.Overlaps).Order().Cast<IpNetwork?>().FirstOrDefault();
            var set = new IpNetworkSet(networks);
            Assert.Equal(expected, set.FirstOverlap(network));
            Assert.Equal(expected is not null, set.Overlaps(network));
        }, seed: Seed, iter: 20_000);

    [Fact]
    public void An_empty_set_overlaps_nothing() => Assert.False(new IpNetworkSet([]).Overlaps(IpNetwork.Parse("0.0.0.0/0")));

    [Fact]
    public void A_longer_prefix_after_the_searched_one_is_found() =>
        Assert.Equal(IpNetwork.Parse("10.24.5.128/25"), new IpNetworkSet([IpNetwork.Parse("10.24.5.128/25")])
            .FirstOverlap(IpNetwork.Parse("10.24.5.0/24")));
}
