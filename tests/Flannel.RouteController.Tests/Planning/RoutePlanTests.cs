using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.RouteController.Planning;
using static Flannel.RouteController.Tests.Support.Plans;

namespace Flannel.RouteController.Tests.Planning;

/// <summary>Plans for one desired route, 10.24.5.0/24 to i-1, and one entry.</summary>
public sealed class RoutePlanTests
{
    public sealed record Row(string Name, RouteEntry? Entry, string Expected)
    {
        public string[] Excluded { get; init; } = [];
        public string[] Ended { get; init; } = [];
        public bool ServesNoNode { get; init; }

        public override string ToString() => Name;
    }

    private const string Create = "Create 10.24.5.0/24";

    private static readonly Row[] Table =
    [
        new("no entry", null, Create),

        // Equal to the lease's subnet.
        new("marked and right", Entry("10.24.5.0/24", "i-1", "ours"), "Keep 10.24.5.0/24"),
        new("unmarked and right: one of the old backend", Entry("10.24.5.0/24", "i-1"), "Mark 10.24.5.0/24"),
        new("unmarked and right, with a name", Entry("10.24.5.0/24", "i-1") with { Name = "mine" }, "Keep 10.24.5.0/24"),
        new("unmarked and right, with a description", Entry("10.24.5.0/24", "i-1") with { Description = "mine" }, "Keep 10.24.5.0/24"),
        new("marked by another cluster, but right", Entry("10.24.5.0/24", "i-1", "theirs"), "Mark 10.24.5.0/24"),
        new("right, and adopted from this cluster", Adopted("10.24.5.0/24"), "Keep 10.24.5.0/24"),
        new("right, marked in the name alone", Entry("10.24.5.0/24", "i-1", "ours") with { Description = "" }, "Mark 10.24.5.0/24"),
        new("right, marked in the description alone", Entry("10.24.5.0/24", "i-1", "ours") with { Name = "renamed" }, "Mark 10.24.5.0/24"),
        new("right, with the marks of two clusters", Entry("10.24.5.0/24", "i-1", "ours") with { Name = Theirs.Token },
            "Mark 10.24.5.0/24"),
        new("wrong, with the marks of two clusters", Entry("10.24.5.0/24", "i-2", "ours") with { Name = Theirs.Token },
            "Conflict:Occupied 10.24.5.0/24"),
        new("right, the type in another case", Entry("10.24.5.0/24", "i-1", "ours") with { NextHops = [new NextHop("instance", "i-1")] },
            "Keep 10.24.5.0/24"),
        new("wrong, the type in another case", Entry("10.24.5.0/24", "i-2", "ours") with { NextHops = [new NextHop("INSTANCE", "i-2")] },
            "Update 10.24.5.0/24"),
        new("unmarked, a VPN gateway's", Entry("10.24.5.0/24", "vpn-1"), "Conflict:Occupied 10.24.5.0/24"),
        new("marked, to a VPN gateway", Entry("10.24.5.0/24", "vpn-1", "ours"), "Conflict:Occupied 10.24.5.0/24"),
        new("unmarked, without a next hop", Entry("10.24.5.0/24", ""), "Conflict:Occupied 10.24.5.0/24"),
        new("marked, without a next hop", Entry("10.24.5.0/24", "", "ours"), "Update 10.24.5.0/24"),
        new("marked, other next hop", Entry("10.24.5.0/24", "i-2", "ours"), "Update 10.24.5.0/24"),
        new("unmarked, other next hop: a stale one of the old backend", Entry("10.24.5.0/24", "i-2"), "Update 10.24.5.0/24"),
        new("the instance's interface instead of the instance", Entry("10.24.5.0/24", "eni-i-1", "ours"), "Update 10.24.5.0/24"),
        new("another cluster's, other next hop", Entry("10.24.5.0/24", "i-2", "theirs"), "Conflict:Occupied 10.24.5.0/24"),
        new("the system's", Entry("10.24.5.0/24", "i-2", isCustom: false), "Conflict:Occupied 10.24.5.0/24"),
        new("the system's, with our mark", Entry("10.24.5.0/24", "i-2", "ours", isCustom: false), "Conflict:Occupied 10.24.5.0/24"),
        new("ECMP with the node among the next hops", Entry("10.24.5.0/24", "i-1,i-2", "ours"), "Conflict:Occupied 10.24.5.0/24"),
        new("pending", Entry("10.24.5.0/24", "i-1", "ours", RouteEntryStatus.Pending), "KeepInTransition 10.24.5.0/24"),
        new("modifying", Entry("10.24.5.0/24", "i-2", "ours", RouteEntryStatus.Modifying), "KeepInTransition 10.24.5.0/24"),
        new("deleting", Entry("10.24.5.0/24", "i-1", "ours", RouteEntryStatus.Deleting), "KeepInTransition 10.24.5.0/24"),
        new("in an unknown status", Entry("10.24.5.0/24", "i-2", "", RouteEntryStatus.Unknown), "KeepInTransition 10.24.5.0/24"),

        // Inside the network, no lease.
        new("stale", Entry("10.24.6.0/24", "i-9", "ours"), $"{Create} | Delete 10.24.6.0/24"),
        new("stale, marked in the description alone", Entry("10.24.6.0/24", "i-9", description: Ours.Description),
            $"{Create} | Delete 10.24.6.0/24"),
        new("stale, the whole network", Entry("10.24.0.0/16", "i-9", "ours"), $"Delete 10.24.0.0/16 | {Create}"),
        new("stale and part of a desired one", Entry("10.24.5.128/25", "i-9", "ours"), $"{Create} | Delete 10.24.5.128/25"),
        new("stale, but being deleted", Entry("10.24.6.0/24", "i-9", "ours", RouteEntryStatus.Deleting),
            $"{Create} | KeepInTransition 10.24.6.0/24"),
        new("ECMP without a lease, marked", Entry("10.24.6.0/24", "i-8,i-9", "ours"), $"{Create} | Conflict:Unmanaged 10.24.6.0/24"),
        new("the system's, marked, without a lease", Entry("10.24.6.0/24", "i-9", "ours", isCustom: false),
            $"{Create} | Conflict:Unmanaged 10.24.6.0/24"),
        new("unmarked", Entry("10.24.6.0/24", "i-9"), $"{Create} | Conflict:Unmanaged 10.24.6.0/24"),
        new("unmarked, to a node of the cluster", Entry("10.24.6.0/24", "i-1"), $"{Create} | Conflict:Unmanaged 10.24.6.0/24"),
        new("another cluster's", Entry("10.24.6.0/24", "i-9", "theirs"), $"{Create} | Conflict:OtherCluster 10.24.6.0/24"),
        new("marked, without a lease, to a VPN gateway", Entry("10.24.6.0/24", "vpn-1", "ours"),
            $"{Create} | Conflict:Unmanaged 10.24.6.0/24"),
        new("marked, without a lease and a next hop", Entry("10.24.6.0/24", "", "ours"), $"{Create} | Delete 10.24.6.0/24"),
        new("a description that only begins like the mark", Entry("10.24.6.0/24", "i-9", description: Ours.Token + "x: y"),
            $"{Create} | Conflict:Unmanaged 10.24.6.0/24"),
        new("wider", Entry("10.24.4.0/22", "i-9"), $"Conflict:Wider 10.24.4.0/22 | {Create}"),
        new("the network itself, unmarked", Entry("10.24.0.0/16", "i-9"), $"Conflict:Wider 10.24.0.0/16 | {Create}"),
        new("narrower", Entry("10.24.5.64/26", "i-9"), $"{Create} | Conflict:Narrower 10.24.5.64/26"),
        new("narrower, same first address", Entry("10.24.5.0/25", "i-9"), $"{Create} | Conflict:Narrower 10.24.5.0/25"),

        // Outside the network: no action, marked or not, unless its lease was seen to end.
        new("outside, marked, its lease has ended", Entry("10.25.0.0/24", "i-9", "ours"),
            $"{Create} | Delete 10.25.0.0/24") { Ended = ["10.25.0.0/24"] },
        new("outside, unmarked, its lease has ended", Entry("10.25.0.0/24", "i-9"), Create) { Ended = ["10.25.0.0/24"] },
        new("outside, another cluster's, its lease has ended", Entry("10.25.0.0/24", "i-9", "theirs"), Create) { Ended = ["10.25.0.0/24"] },
        new("the default route", Entry("0.0.0.0/0", "ngw-1", "ours"), Create),
        new("wider than the network", Entry("10.24.0.0/15", "i-9", "ours"), Create),
        new("all private ranges", Entry("10.0.0.0/8", "i-9"), Create),
        new("just below the network", Entry("10.23.255.0/24", "i-9", "ours"), Create),
        new("just above the network", Entry("10.25.0.0/24", "i-9", "ours"), Create),
        new("IPv6", Entry("fd00::/64", "i-9", "ours"), Create),
        new("a prefix list", Entry("pl-123", "i-9", "ours"), Create),

        // Leases of upstream's nodes.
        new("equal to an upstream lease", Entry("10.24.6.0/24", "i-9"), Create) { Excluded = ["10.24.6.0/24"] },
        new("equal to an upstream lease, and marked", Entry("10.24.6.0/24", "i-9", "ours"), Create) { Excluded = ["10.24.6.0/24"] },
        new("part of an upstream lease, and marked", Entry("10.24.6.128/25", "i-9", "ours"), Create) { Excluded = ["10.24.6.0/24"] },
        new("containing an upstream lease, and marked", Entry("10.24.6.0/23", "i-9", "ours"), Create) { Excluded = ["10.24.7.0/24"] },
        new("beside an upstream lease, and marked", Entry("10.24.7.0/24", "i-9", "ours"),
            $"{Create} | Delete 10.24.7.0/24") { Excluded = ["10.24.6.0/24"] },
        new("an upstream lease inside ours", Entry("10.24.5.0/24", "i-9", "ours"),
            "Conflict:Occupied 10.24.5.0/24") { Excluded = ["10.24.5.0/25"] },

        // A table that serves no node.
        new("serves no node: nothing is created", null, "") { ServesNoNode = true },
        new("serves no node: marked and right", Entry("10.24.5.0/24", "i-1", "ours"), "Keep 10.24.5.0/24") { ServesNoNode = true },
        new("serves no node: marked, other next hop", Entry("10.24.5.0/24", "i-2", "ours"), "Update 10.24.5.0/24") { ServesNoNode = true },
        new("serves no node: unmarked, other next hop", Entry("10.24.5.0/24", "i-2"), "") { ServesNoNode = true },
        new("serves no node: stale", Entry("10.24.6.0/24", "i-9", "ours"), "Delete 10.24.6.0/24") { ServesNoNode = true },
        new("serves no node: unmarked without a lease", Entry("10.24.6.0/24", "i-9"), "") { ServesNoNode = true },
    ];

    private static RouteEntry Adopted(string destination) =>
        Entry(destination, "i-1", "theirs") with { Description = Theirs.DescriptionFor(Entry(destination, "i-1", "ours")) };

    public static TheoryData<string> Names => [.. Table.Select(row => row.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_plan_for_one_desired_route_and_one_entry(string name)
    {
        var row = Table.Single(row => row.Name == name);
        var actions = For([Desired("10.24.5.0/24")], row.Entry is null ? [] : [row.Entry], row.Excluded, row.ServesNoNode, row.Ended);
        Assert.Equal(row.Expected, Text(actions));
    }

    /// <summary>A node released 10.24.6.0/24, whose route led to i-6.</summary>
    [Theory]
    [InlineData("i-6", "ours", RouteEntryStatus.Available, false, "Delete 10.24.6.0/24")]
    [InlineData("i-6", "", RouteEntryStatus.Available, false, "Delete 10.24.6.0/24")]
    [InlineData("i-6", "ours", RouteEntryStatus.Deleting, false, "KeepInTransition 10.24.6.0/24")]
    [InlineData("i-6", "ours", RouteEntryStatus.Available, true, "Delete 10.24.6.0/24")]
    [InlineData("i-6", "", RouteEntryStatus.Available, true, "")]
    [InlineData("i-6", "theirs", RouteEntryStatus.Available, false, "Conflict:OtherCluster 10.24.6.0/24")]
    [InlineData("i-7", "", RouteEntryStatus.Available, false, "Conflict:Unmanaged 10.24.6.0/24")]
    [InlineData("vpn-1", "ours", RouteEntryStatus.Available, false, "Conflict:Unmanaged 10.24.6.0/24")]
    public void Only_the_route_of_the_node_that_released_the_subnet_is_deleted(
        string hop, string mark, RouteEntryStatus status, bool servesNoNode, string expected) =>
        Assert.Equal(expected, Text(PlanReleased(Entry("10.24.6.0/24", hop, mark, status), servesNoNode)));

    [Fact]
    public void A_deletion_after_a_release_names_the_released_route_and_one_of_a_stale_route_does_not()
    {
        var released = Assert.IsType<RouteAction.Delete>(Assert.Single(PlanReleased(Entry("10.24.6.0/24", "i-6", "ours"))));
        Assert.Equal("i-6", released.Released?.Node.InstanceId);
        // It leads elsewhere: it is stale, and deleted on evidence only.
        var stale = Assert.IsType<RouteAction.Delete>(Assert.Single(PlanReleased(Entry("10.24.6.0/24", "i-7", "ours"))));
        Assert.Null(stale.Released);
    }

    [Fact]
    public void A_released_subnet_that_overlaps_an_excluded_one_is_not_changed() =>
        Assert.Equal("", Text(PlanReleased(Entry("10.24.6.0/24", "i-6", "ours"), excluded: "10.24.6.0/25")));

    [Fact]
    public void A_conflict_names_the_first_desired_route_that_it_overlaps()
    {
        var conflict = For([Desired("10.24.6.0/24", "i-6"), Desired("10.24.5.0/24")], [Entry("10.24.4.0/22", "i-9")])
            .OfType<RouteAction.Conflict>().Single();
        Assert.Equal("10.24.5.0/24", conflict.Desired?.Destination.ToString());
    }

    private static IReadOnlyList<RouteAction> PlanReleased(RouteEntry entry, bool servesNoNode = false, string? excluded = null) =>
        RoutePlan.For(new RoutePlanInput(
            "vtb-1", Network, [], excluded is null ? [] : [Ipv4Network.Parse(excluded)], [entry], Ours, servesNoNode)
        {
            Released = [Desired("10.24.6.0/24", "i-6")],
        });

    [Fact]
    public void A_lease_outside_the_network_has_its_route() =>
        Assert.Equal("Create 10.25.1.0/24", Text(For([Desired("10.25.1.0/24")], [])));

    [Fact]
    public void Without_a_configuration_only_entries_of_leases_get_an_action() => Assert.Equal(
        "Update 10.24.5.0/24",
        Text(RoutePlan.For(new RoutePlanInput(
            "vtb-1", null, [Desired("10.24.5.0/24")], [],
            [Entry("10.24.5.0/24", "i-2", "ours"), Entry("10.24.6.0/24", "i-9", "ours"), Entry("10.24.7.0/24")], Ours))));

    [Fact]
    public void A_lease_of_the_default_route_gets_no_action() =>
        Assert.Equal("", Text(For([Desired("0.0.0.0/0")], [Entry("0.0.0.0/0", "i-2", "ours")])));

    [Fact]
    public void A_secondary_interface_is_its_own_next_hop()
    {
        var desired = Desired("10.24.5.0/24", primary: false);
        Assert.Equal(new NextHop("NetworkInterface", "eni-i-1"), desired.NextHop);
        Assert.IsType<RouteAction.Keep>(Assert.Single(For([desired], [Entry("10.24.5.0/24", "eni-i-1", "ours")])));
        Assert.IsType<RouteAction.Update>(Assert.Single(For([desired], [Entry("10.24.5.0/24", "i-1")])));
    }
}
