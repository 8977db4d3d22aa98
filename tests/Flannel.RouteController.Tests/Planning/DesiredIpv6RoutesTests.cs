using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Tests.Leases;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;
using static Flannel.RouteController.Tests.Support.Plans;

namespace Flannel.RouteController.Tests.Planning;

public sealed class DesiredIpv6RoutesTests
{
    private static readonly VpcId First = new("cn-hangzhou", "vpc-1");
    private static readonly VpcId Second = new("cn-hangzhou", "vpc-2");

    [Fact]
    public void The_IPv6_subnets_of_the_nodes_inside_the_network_are_desired_with_the_nodes_next_hop()
    {
        var state = Group(Node(1, "fd00:24:0:1::/64"), Node(2, null), Node(3, "fd00:24:0:3::/64", primary: false));
        Assert.Equal(IpNetwork.Parse("fd00:24::/32"), state.Network);
        Assert.Equal(
            ["fd00:24:0:1::/64 i-1", "fd00:24:0:3::/64 eni-i-3"], state.Nodes.Select(node => $"{node.Destination} {node.NextHop.Id}"));
        Assert.Empty(state.Unroutable);
        Assert.Empty(state.Excluded);
    }

    [Fact]
    public void Leases_of_upstream_and_of_other_VPCs_are_excluded()
    {
        var upstream = Node(7, "fd00:24:0:7::/64") with { Attributes = new LeaseAttributes(default, null, "vxlan", """{"VNI":1}""", null) };
        var leases = new[] { Node(1, "fd00:24:0:1::/64"), Node(2, "fd00:24:0:2::/64", "vpc-2"), upstream };
        var groups = DesiredVpcState.Group(Snapshot(Config, leases));
        Assert.Equal(["fd00:24:0:2::/64", "fd00:24:0:7::/64"], Texts(groups[First].Ipv6!.Excluded));
        Assert.Equal(["fd00:24:0:1::/64", "fd00:24:0:7::/64"], Texts(groups[Second].Ipv6!.Excluded));
        Assert.Equal(["10.24.2.0/24", "10.24.7.0/24"], Texts(groups[First].Excluded));
    }

    [Theory]
    [InlineData("fd00:25::/64", "outside IPv6Network fd00:24::/32")]
    [InlineData("::/0", "default route")]
    public void A_subnet_outside_the_network_is_not_desired(string subnet, string reason)
    {
        var state = Group(Node(1, subnet));
        Assert.Empty(state.Nodes);
        Assert.Contains(reason, Assert.Single(state.Unroutable).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void The_older_of_two_leases_of_one_IPv6_subnet_has_the_route_and_both_have_their_IPv4_route()
    {
        var group = DesiredVpcState.Group(Snapshot(Config, Node(2, "fd00:24:0:1::/64"), Node(1, "fd00:24:0:1::/64")))[First];
        Assert.Equal(["i-1", "i-2"], group.Nodes.Select(node => node.Node.InstanceId).Order());
        Assert.Equal("i-1", Assert.Single(group.Ipv6!.Nodes).Node.InstanceId);
        Assert.Equal("another, older lease holds fd00:24:0:1::/64", Assert.Single(group.Ipv6.Unroutable).Reason);
        Assert.Empty(group.Ipv6.Excluded);
    }

    [Fact]
    public void Without_a_valid_configuration_all_subnets_stay_desired_and_nothing_is_stale()
    {
        var state = DesiredVpcState.Group(Snapshot(null, Node(1, "fd00:25::/64")))[First].Ipv6!;
        Assert.Single(state.Nodes);
        Assert.Null(state.Network);
        Assert.False(state.IsComplete);
        var stale = VpcPlan.For(Observation(state with { Nodes = [] }, Entry("fd00:25::/64", "i-1", "ours")), Ours);
        Assert.Empty(stale.Actions);
    }

    [Fact]
    public void The_end_of_a_lease_is_the_end_of_both_routes()
    {
        var history = new LeaseHistory(TimeProvider.System);
        history.Observe(Snapshot(Config, Node(1, "fd00:24:0:1::/64"), Node(2, null)));
        history.Observe(Snapshot(Config, Node(2, null)));
        var state = history.AddTo(DesiredVpcState.Group(Snapshot(Config, Node(2, null)))[First]);
        Assert.Equal("10.24.1.0/24", Assert.Single(state.Ended).Subnet.ToString());
        Assert.Equal(("fd00:24:0:1::/64", "i-1"), (Assert.Single(state.Ipv6!.Ended).Subnet.ToString(), state.Ipv6.Ended[0].NextHopId));
    }

    [Fact]
    public void States_with_equal_IPv6_routes_have_the_same_content()
    {
        var state = DesiredVpcState.Group(Snapshot(Config, Node(1, "fd00:24:0:1::/64")))[First];
        Assert.True(state.HasSameContent(DesiredVpcState.Group(Snapshot(Config, Node(1, "fd00:24:0:1::/64")))[First]));
        Assert.False(state.HasSameContent(state with { Ipv6 = null }));
        Assert.False(state.HasSameContent(state with { Ipv6 = state.Ipv6! with { Network = null } }));
        Assert.Empty(state.WithoutNodes(Snapshot(Config)).Ipv6!.Nodes);
    }

    [Theory]
    [InlineData("fd00:24:0:1::/64", "i-1", "ours", "Keep fd00:24:0:1::/64")]
    [InlineData("fd00:24:0:1::/64", "i-2", "", "Update fd00:24:0:1::/64")]
    [InlineData("fd00:24:0:1::/64", "i-2", "theirs", "Conflict:Occupied fd00:24:0:1::/64")]
    [InlineData("fd00:24:0:1::/64", "vpn-1", "ours", "Conflict:Occupied fd00:24:0:1::/64")]
    [InlineData("fd00:24:0:9::/64", "i-9", "ours", "Create fd00:24:0:1::/64 | Delete fd00:24:0:9::/64")]
    [InlineData("fd00:24:0:9::/64", "i-9", "", "Create fd00:24:0:1::/64 | Conflict:Unmanaged fd00:24:0:9::/64")]
    [InlineData("fd00:24::/48", "i-9", "", "Conflict:Wider fd00:24::/48 | Create fd00:24:0:1::/64")]
    [InlineData("fd00:25::/64", "i-9", "ours", "Create fd00:24:0:1::/64")]
    [InlineData("::/0", "i-9", "ours", "Create fd00:24:0:1::/64")]
    [InlineData("10.24.9.0/24", "i-9", "ours", "Create fd00:24:0:1::/64")]
    public void The_rules_of_ownership_are_those_of_IPv4(string destination, string hop, string mark, string expected)
    {
        var observation = Observation(Group(Node(1, "fd00:24:0:1::/64")), Entry(destination, hop, mark));
        Assert.Equal(expected, Text(VpcPlan.For(observation, Ours).Actions));
    }

    [Fact]
    public void Each_family_is_planned_from_its_own_entries_and_the_quota_counts_both()
    {
        var desired = DesiredVpcState.Group(Snapshot(Config, Node(1, "fd00:24:0:1::/64")))[First];
        var table = new ObservedTable(
            "vtb-1", ServesNodes: true, HasError: false,
            [Entry("10.24.9.0/24", "i-9", "ours"), Entry("fd00:24:0:9::/64", "i-9", "ours"), Entry("pl-1")], new HashSet<string>());
        var observation = new VpcObservation(desired, [table]);
        var (ipv4, ipv6) = (VpcPlan.For(observation.Ipv4, Ours), VpcPlan.For(observation.Ipv6, Ours));
        Assert.Equal("Create 10.24.1.0/24 | Delete 10.24.9.0/24", Text(ipv4.Actions));
        Assert.Equal("Create fd00:24:0:1::/64 | Delete fd00:24:0:9::/64", Text(ipv6.Actions));
        Assert.Equal((3, 3), (ipv4.Tables[0].Table.CustomEntries, ipv6.Tables[0].Table.CustomEntries));
    }

    private static NetworkConfig Config => InMemoryLeases.ConfigFor("10.24.0.0/16", "fd00:24::/32");

    private static VpcObservation Observation(DesiredVpcState desired, params Flannel.AliCloud.Vpc.RouteEntry[] entries) =>
        new(desired, [new ObservedTable("vtb-1", ServesNodes: true, HasError: false, entries, new HashSet<string>())]);

    private static DesiredVpcState Group(params Lease[] leases) => DesiredVpcState.Group(Snapshot(Config, leases))[First].Ipv6!;

    private static LeaseSnapshot Snapshot(NetworkConfig? config, params Lease[] leases) =>
        new(config, leases, Revision: 9, IsComplete: true);

    private static Lease Node(int number, string? ipv6, string vpc = "vpc-1", bool primary = true) => new(
        new SubnetKey(Ipv4Network.Parse($"10.24.{number}.0/24"), ipv6 is null ? null : Ipv6Network.Parse(ipv6)),
        new LeaseAttributes(default, null, "ali-vpc", Data(number, vpc, primary).ToJson(), null),
        new TestLeaseIdentity(number, 1), number);

    private static AliVpcBackendData Data(int number, string vpc, bool primary) =>
        new("cn-hangzhou", vpc, "vsw-1", $"i-{number}", $"eni-i-{number}", primary);

    private static IEnumerable<string> Texts(IEnumerable<IpNetwork> networks) => networks.Order().Select(network => network.ToString());
}
