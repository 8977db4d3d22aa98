using System.Text;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Tests.Leases;
using Flanneld.Commands.Config;

namespace Flanneld.Tests.Commands.Config;

public sealed class LeaseFitTests
{
    private const string DualStack = ",\"EnableIPv6\":true,\"IPv6Network\":\"fc00::/48\"";

    [Theory]
    [InlineData("10.24.0.0/16", "", "10.24.5.0-24", "")]
    [InlineData("10.24.0.0/16", DualStack, "10.24.5.0-24", "")] // it stays without an IPv6 subnet until it starts again
    [InlineData(
        "10.25.0.0/16", "", "10.24.5.0-24",
        "lease 10.24.5.0/24 of 192.168.1.11 does not fit: the node takes another subnet when it starts again")]
    [InlineData(
        "10.24.0.0/16", ",\"SubnetLen\":25", "10.24.5.0-24",
        "lease 10.24.5.0/24 of 192.168.1.11 does not fit: the node takes another subnet when it starts again")]
    [InlineData(
        "10.24.0.0/16", "", "10.24.5.0-24&fc00:0:0:5::-64",
        "lease 10.24.5.0/24 and fc00:0:0:5::/64 of 192.168.1.11 does not fit:"
        + " the node keeps 10.24.5.0/24, and has no IPv6 subnet when it starts again")]
    [InlineData(
        "10.24.0.0/16", DualStack, "10.24.5.0-24&fd00:0:0:5::-64",
        "lease 10.24.5.0/24 and fd00:0:0:5::/64 of 192.168.1.11 does not fit:"
        + " the node keeps 10.24.5.0/24, and takes another IPv6 subnet when it starts again")]
    public void A_lease_that_does_not_fit_is_named_with_what_its_node_does(string network, string more, string key, string expected) =>
        Assert.Equal(expected, string.Join('\n', LeaseFit.FindMisfits(Config(network, more), [Lease(key, holding: 1)])));

    [Fact]
    public void A_reservation_that_does_not_fit_is_no_longer_used() => Assert.Equal(
        ["reservation 10.24.5.0/24 of 192.168.1.11 does not fit: it is no longer used"],
        LeaseFit.FindMisfits(Config("10.25.0.0/16", ""), [Lease("10.24.5.0-24", holding: 0)]));

    [Fact]
    public void Nodes_of_another_backend_are_counted() => Assert.Equal(
        [
            "2 nodes have leases of backend vxlan: backend ali-vpc is used when each starts again;"
                + " restart all of them, one after the other",
        ],
        LeaseFit.FindOtherBackends(
            Config("10.24.0.0/16", ""),
            [
                Lease("10.24.5.0-24", 1, "vxlan"), Lease("10.24.6.0-24", 2, "vxlan"), Lease("10.24.7.0-24", 3),
                Lease("10.24.8.0-24", 4, ""), Lease("10.24.9.0-24", holding: 0, "alloc"),
            ]));

    [Fact]
    public void Escape_sequences_in_a_lease_are_not_printed() => Assert.Contains(
        "of backend ?[2J?:",
        Assert.Single(LeaseFit.FindOtherBackends(Config("10.24.0.0/16", ""), [Lease("10.24.5.0-24", 1, "\e[2J\n")])),
        StringComparison.Ordinal);

    private static NetworkConfig Config(string network, string more) => NetworkConfigParser.Parse(
        Encoding.UTF8.GetBytes($"{{\"Network\":\"{network}\"{more},\"Backend\":{{\"Type\":\"ali-vpc\"}}}}")).Value;

    private static Lease Lease(string key, long holding, string backend = "ali-vpc")
    {
        Assert.True(SubnetKey.TryParse(key, out var parsed));
        var attributes = new LeaseAttributes(Ipv4Address.Parse("192.168.1.11"), null, backend, null, null);
        return new Lease(parsed, attributes, new TestLeaseIdentity(1, holding), 1);
    }
}
