using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Core.Tests.Leases;
using Flannel.HostNetwork.Vxlan;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.HostNetwork.Tests.Vxlan;

public sealed class FallbackTableTests
{
    private static readonly Ipv4Network s_network = Ipv4Network.Parse("10.24.0.0/16");
    private static readonly VxlanPeer s_self = new(Subnet(1), Ipv4Address.Parse("192.168.1.1"), Mac(1));
    private static readonly Lease[] s_leases = [AliVpc(1), AliVpc(2), AliVpc(3), Vxlan(4)];

    private readonly FakeTimeProvider time = new();
    private readonly FallbackTable table;
    private HashSet<IpNetwork> tunnelled = [];

    public FallbackTableTests() => table = new FallbackTable(Subnet(1), time);

    /// <summary>The rule for pairs, from both sides.</summary>
    [Theory]
    [InlineData(RouteState.Available, RouteState.Available, false)]
    [InlineData(RouteState.Available, RouteState.QuotaExceeded, true)]
    [InlineData(RouteState.QuotaExceeded, RouteState.Available, true)]
    [InlineData(RouteState.Denied, RouteState.Conflict, true)]
    [InlineData(RouteState.Pending, RouteState.Unreachable, false)]
    public void Both_nodes_of_a_pair_use_the_tunnel_if_one_of_them_is_in_fallback(RouteState own, RouteState peer, bool usesTunnel)
    {
        var statuses = Statuses((1, own), (2, peer));
        table.Update(s_leases, statuses, tunnelled);
        Assert.Equal(usesTunnel, table.UsesTunnel(AliVpc(2)));
        var other = new FallbackTable(Subnet(2), time);
        other.Update(s_leases, statuses, tunnelled);
        Assert.Equal(usesTunnel, other.UsesTunnel(AliVpc(1)));
    }

    [Fact]
    public void Both_nodes_of_a_pair_agree_whatever_snapshots_each_of_them_missed()
    {
        var random = new Random(1);
        var all = Enum.GetValues<RouteState>();
        RouteState[] definite = [RouteState.Available, RouteState.QuotaExceeded, RouteState.Conflict, RouteState.Denied];
        for (var history = 0; history < 1000; history++)
        {
            FallbackTable[] nodes = [new(Subnet(1), time), new(Subnet(2), time)];
            for (var step = 0; step < 10; step++)
            {
                var statuses = Statuses((1, Pick(all)), (2, Pick(all)));
                foreach (var node in nodes.Where(_ => random.Next(2) == 0)) node.Update(s_leases, statuses, tunnelled);
            }

            var (first, second) = (Pick(definite), Pick(definite));
            for (var pass = 0; pass < 2; pass++)
            {
                foreach (var node in nodes) node.Update(s_leases, Statuses((1, first), (2, second)), tunnelled);
                time.Advance(FallbackTable.SettleTime);
            }

            var expected = first != RouteState.Available || second != RouteState.Available;
            Assert.Equal((expected, expected), (nodes[0].UsesTunnel(AliVpc(2)), nodes[1].UsesTunnel(AliVpc(1))));
        }

        RouteState Pick(RouteState[] states) => states[random.Next(states.Length)];
    }

    [Fact]
    public void A_node_of_backend_vxlan_is_always_reached_through_the_tunnel()
    {
        Update((1, RouteState.Available));
        Assert.Equal([4], Peers());
    }

    [Fact]
    public void A_decision_is_kept_until_the_route_is_available()
    {
        Update((1, RouteState.Available), (2, RouteState.QuotaExceeded), (3, RouteState.Available));
        Assert.Equal([2, 4], Peers());
        foreach (var state in new[] { RouteState.Pending, RouteState.Unreachable, RouteState.Rejected })
        {
            Update((1, state), (2, state), (3, state));
            Assert.Equal([2, 4], Peers());
        }

        // An etcd without statuses, and one without leases.
        Update();
        table.Update([], Statuses(), tunnelled);
        Update();
        Assert.Equal([2, 4], Peers());
        Update((2, RouteState.Available));
        Assert.Equal([4], Peers());
    }

    [Fact]
    public void Without_a_status_the_first_decision_is_the_path_that_the_kernel_has()
    {
        tunnelled = [Subnet(3)];
        Update((1, RouteState.Available));
        Assert.Equal([3, 4], Peers());
        tunnelled = [];
        Update((1, RouteState.Available));
        Assert.Equal([3, 4], Peers());
        Update((1, RouteState.Available), (3, RouteState.Available));
        Assert.Equal([4], Peers());
    }

    /// <summary>A restart while the status of this node says nothing, such as in the first moments of a new route controller. The kernel
    /// has a tunnel to an available node only because this one is in fallback, and so its peers still decide.</summary>
    [Theory]
    [InlineData(RouteState.Pending)]
    [InlineData(RouteState.Unreachable)]
    public void A_restarted_node_in_fallback_stays_in_it_until_its_route_is_available(RouteState own)
    {
        tunnelled = [Subnet(2), Subnet(3)];
        Update((1, own), (2, RouteState.Available), (3, RouteState.Available));
        Assert.True(table.IsSelfInFallback);
        Assert.Equal([2, 3, 4], Peers());
        Update((1, RouteState.Available), (2, RouteState.Available), (3, RouteState.Available));
        Assert.Equal([4], Peers());
    }

    [Fact]
    public void A_restarted_node_with_a_route_takes_no_tunnel_because_a_peer_has_just_left_it()
    {
        tunnelled = [Subnet(2)];
        table.Update(s_leases, Statuses((1, RouteState.Available), (2, RouteState.Available), (3, RouteState.Available)), tunnelled);
        Assert.Equal([2, 4], Peers());
    }

    [Fact]
    public void A_node_that_changes_from_vxlan_to_ali_vpc_keeps_the_tunnel_until_its_route_is_available()
    {
        Lease[] before = [AliVpc(1), Vxlan(2)];
        table.Update(before, Statuses((1, RouteState.Available)), tunnelled);
        Lease[] after = [AliVpc(1), AliVpc(2)];
        table.Update(after, Statuses((1, RouteState.Available)), new HashSet<IpNetwork> { Subnet(2) });
        Assert.True(table.UsesTunnel(AliVpc(2)));
        for (var pass = 0; pass < 2; pass++)
        {
            table.Update(after, Statuses((1, RouteState.Available), (2, RouteState.Available)), new HashSet<IpNetwork> { Subnet(2) });
            time.Advance(FallbackTable.SettleTime);
        }

        Assert.False(table.UsesTunnel(AliVpc(2)));
    }

    [Fact]
    public void The_tunnel_is_kept_for_a_moment_after_the_route_has_become_available()
    {
        var available = Statuses((1, RouteState.Available), (2, RouteState.Available));
        table.Update(s_leases, Statuses((1, RouteState.Available), (2, RouteState.Conflict)), tunnelled);
        table.Update(s_leases, available, tunnelled);
        time.Advance(FallbackTable.SettleTime - TimeSpan.FromMilliseconds(1));
        table.Update(s_leases, available, tunnelled);
        Assert.True(table.IsSettling && table.UsesTunnel(AliVpc(2)));
        time.Advance(TimeSpan.FromMilliseconds(1));
        table.Update(s_leases, available, tunnelled);
        Assert.False(table.IsSettling || table.UsesTunnel(AliVpc(2)));

        // The route is lost before.
        table.Update(s_leases, Statuses((2, RouteState.Conflict)), tunnelled);
        table.Update(s_leases, available, tunnelled);
        table.Update(s_leases, Statuses((2, RouteState.Conflict)), tunnelled);
        time.Advance(FallbackTable.SettleTime);
        table.Update(s_leases, available, tunnelled);
        Assert.True(table.UsesTunnel(AliVpc(2)));
    }

    [Fact]
    public void The_decision_about_one_instance_is_not_that_about_the_next()
    {
        Update((2, RouteState.QuotaExceeded));
        table.Update([AliVpc(2, "i-9")], Statuses(), tunnelled);
        Assert.False(table.UsesTunnel(AliVpc(2, "i-9")));
    }

    [Fact]
    public void A_rejected_subnet_gets_no_host_route_because_this_node_is_in_fallback()
    {
        Update((1, RouteState.QuotaExceeded), (2, RouteState.Rejected), (3, RouteState.Pending));
        Assert.True(table.IsSelfInFallback);
        Assert.Equal([3, 4], Peers());
    }

    [Fact]
    public void A_node_of_ali_vpc_without_a_device_is_not_a_peer()
    {
        Update((1, RouteState.QuotaExceeded));
        var plain = AliVpc(7) with { Attributes = AliVpc(7).Attributes with { BackendData = """{"InstanceId":"i-7"}""" } };
        var peers = LeasedPeers.Read([.. s_leases, plain], s_network, s_self, table.UsesTunnel);
        Assert.Equal([Subnet(2), Subnet(3), Subnet(4)], peers.Peers.Select(peer => peer.Subnet));
        Assert.Equal((1, 0), (peers.OtherBackends, peers.Rejected.Count));
    }

    /// <summary>As backend vxlan reads them.</summary>
    [Fact]
    public void A_node_of_backend_vxlan_reaches_the_nodes_of_ali_vpc_that_have_a_device() => Assert.Equal(
        [Subnet(2), Subnet(3), Subnet(4)], LeasedPeers.Read(s_leases, s_network, s_self).Peers.Select(peer => peer.Subnet));

    /// <summary>The update, and the one that is due after the settle time.</summary>
    private void Update(params (int Node, RouteState State)[] states)
    {
        table.Update(s_leases, Statuses(states), tunnelled);
        time.Advance(FallbackTable.SettleTime);
        table.Update(s_leases, Statuses(states), tunnelled);
    }

    private List<int> Peers() =>
    [
        .. LeasedPeers.Read(s_leases, s_network, s_self, table.UsesTunnel).Peers
            .Select(peer => (int)(peer.Subnet.Address.Value >> 8 & 0xff)),
    ];

    private static RouteStatusSnapshot Statuses(params (int Node, RouteState State)[] states) => new(
        states.ToDictionary(
            each => AliVpc(each.Node).Key.ToString(),
            each => (PublishedRouteStatus)new TestRouteStatus(
                new RouteStatus($"{Subnet(each.Node)}", $"i-{each.Node}", ["vtb-1"], each.State, "", "", default), 7, 20)),
        1);

    private static Lease AliVpc(int node, string? instance = null) =>
        Lease(node, "ali-vpc", $$"""{"InstanceId":"{{instance ?? $"i-{node}"}}","VpcId":"vpc-1","VNI":1,"VtepMAC":"{{Mac(node)}}"}""");

    private static Lease Vxlan(int node) => Lease(node, "vxlan", $$"""{"VNI":1,"VtepMAC":"{{Mac(node)}}"}""");

    private static Lease Lease(int node, string backend, string data) => new(
        new SubnetKey(Subnet(node)), new LeaseAttributes(Ipv4Address.Parse($"192.168.1.{node}"), null, backend, data, null),
        new TestLeaseIdentity(10, 7), node);

    private static Ipv4Network Subnet(int node) => Ipv4Network.Parse($"10.24.{node}.0/24");

    private static MacAddress Mac(int node) => new(0x0e0000000000UL | (uint)node);
}
