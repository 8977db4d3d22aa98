using Flannel.Core.Addresses;
using Flannel.HostNetwork.Vxlan;

namespace Flannel.HostNetwork.Tests.Vxlan;

public sealed class VxlanPlanTests
{
    private const string Name = "flannel.1";

    private static readonly Ipv4Network s_network = Ipv4Network.Parse("10.24.0.0/16");
    private static readonly VxlanDevice s_device =
        new(1, "eth0", Ipv4Address.Parse("192.168.1.11"), 8472, 1450, Mac(1));

    private static readonly VxlanPeer s_two = Peer(2);
    private static readonly VxlanPeer s_three = Peer(3);

    [Fact]
    public void A_new_peer_gets_one_entry_of_each_kind_and_its_route_last()
    {
        var plan = Plan([s_two], ObservedEntries.None);
        Assert.Equal(["fdb replace 0e:00:00:00:00:02 dev flannel.1 dst 192.168.1.2 self permanent"], plan.Bridge);
        Assert.Equal(
            [
                "neighbor replace 10.24.2.0 lladdr 0e:00:00:00:00:02 dev flannel.1 nud permanent",
                "route replace 10.24.2.0/24 via 10.24.2.0 dev flannel.1 onlink proto 142",
            ],
            plan.Ip);
    }

    [Fact]
    public void Nothing_is_done_for_entries_that_exist() => Assert.True(Plan([s_two, s_three], Observe(s_two, s_three)).IsEmpty);

    [Fact]
    public void A_peer_that_left_is_removed_with_its_route_first_and_no_other()
    {
        var plan = Plan([s_three], Observe(s_two, s_three));
        Assert.Empty(plan.Bridge);
        Assert.Equal(["fdb delete 0e:00:00:00:00:02 dev flannel.1 dst 192.168.1.2 self"], plan.BridgeAfter);
        Assert.Equal(
            [
                "route delete 10.24.2.0/24 via 10.24.2.0 dev flannel.1 proto 142",
                "neighbor delete 10.24.2.0 dev flannel.1",
            ],
            plan.Ip);
    }

    [Fact]
    public void A_peer_with_a_new_address_is_changed_in_place()
    {
        var moved = s_two with { PublicIp = Ipv4Address.Parse("192.168.1.99") };
        var plan = Plan([moved], Observe(s_two));
        Assert.Equal(["fdb replace 0e:00:00:00:00:02 dev flannel.1 dst 192.168.1.99 self permanent"], plan.Bridge);
        Assert.Empty(plan.Ip);
    }

    [Fact]
    public void A_peer_with_a_new_MAC_address_leaves_no_entry_of_the_old_one()
    {
        var plan = Plan([s_two with { Mac = Mac(9) }], Observe(s_two));
        Assert.Equal(["fdb replace 0e:00:00:00:00:09 dev flannel.1 dst 192.168.1.2 self permanent"], plan.Bridge);
        Assert.Equal(["fdb delete 0e:00:00:00:00:02 dev flannel.1 dst 192.168.1.2 self"], plan.BridgeAfter);
        Assert.Equal(["neighbor replace 10.24.2.0 lladdr 0e:00:00:00:00:09 dev flannel.1 nud permanent"], plan.Ip);
    }

    [Fact]
    public void Each_lost_entry_is_restored_alone()
    {
        var all = Observe(s_two);
        Assert.Equal((1, 0), Count(Plan([s_two], all with { Fdb = [] })));
        Assert.Equal((0, 1), Count(Plan([s_two], all with { Neighbors = [] })));
        Assert.Equal((0, 1), Count(Plan([s_two], all with { Routes = [] })));
    }

    [Fact]
    public void A_dynamic_entry_in_place_of_a_permanent_one_is_replaced()
    {
        var all = Observe(s_two);
        var neighbors = all.Neighbors.Select(each => each with { IsPermanent = false });
        Assert.Equal((0, 1), Count(Plan([s_two], all with { Neighbors = [.. neighbors] })));
        var fdb = all.Fdb.Select(each => each with { IsPermanent = false });
        Assert.Equal((1, 0), Count(Plan([s_two], all with { Fdb = [.. fdb] })));
    }

    [Fact]
    public void A_second_destination_of_a_peer_is_removed()
    {
        var all = Observe(s_two);
        var other = new ObservedFdbEntry(Mac(2), Ipv4Address.Parse("203.0.113.7"), IsPermanent: true);
        var plan = Plan([s_two], all with { Fdb = [.. all.Fdb, other] });
        Assert.Equal(["fdb delete 0e:00:00:00:00:02 dev flannel.1 dst 203.0.113.7 self"], plan.BridgeAfter);
        Assert.Equal(1, plan.Count);
    }

    [Fact]
    public void Entries_of_other_programs_are_not_touched()
    {
        var unmanaged = new ObservedEntries(
            [
                // Outside the network, and not permanent.
                new ObservedNeighbor(Ipv4Address.Parse("10.99.0.1"), Mac(70), IsPermanent: true),
                new ObservedNeighbor(Ipv4Address.Parse("10.24.70.0"), Mac(71), IsPermanent: false),
            ],
            [
                new ObservedFdbEntry(Mac(70), Ipv4Address.Parse("203.0.113.7"), IsPermanent: true),
                new ObservedFdbEntry(Mac(71), Ipv4Address.Parse("203.0.113.8"), IsPermanent: true),
                new ObservedFdbEntry(Mac(72), Ipv4Address.Parse("203.0.113.9"), IsPermanent: false),
            ],
            [
                new VxlanRoute(Ipv4Network.Parse("10.24.70.0/24"), Ipv4Address.Parse("192.168.1.70"), "eth0", false, "static"),
                new VxlanRoute(Ipv4Network.Parse("10.24.71.5/32"), Ipv4Address.Parse("10.24.71.0"), Name, true, "boot"),
                new VxlanRoute(Ipv4Network.Parse("10.99.0.0/24"), Ipv4Address.Parse("10.99.0.0"), Name, true, "142"),
            ]);
        Assert.True(Plan([], unmanaged).IsEmpty);
    }

    [Fact]
    public void Routes_of_upstream_flannel_are_marked_in_place_and_removed_with_their_peer()
    {
        var all = Observe(s_two);
        var upstream = all with { Routes = [all.Routes[0] with { Protocol = "boot" }] };
        Assert.Equal(
            ["route replace 10.24.2.0/24 via 10.24.2.0 dev flannel.1 onlink proto 142"], Plan([s_two], upstream).Ip);
        Assert.Contains("route delete 10.24.2.0/24 via 10.24.2.0 dev flannel.1 proto boot", Plan([], upstream).Ip);
    }

    [Fact]
    public void A_peer_in_the_network_of_the_interface_gets_a_plain_route_with_DirectRouting()
    {
        var outside = Peer(4) with { PublicIp = Ipv4Address.Parse("192.168.2.4") };
        var desired = VxlanEntries.For([s_two, outside], s_device, [Ipv4Network.Parse("192.168.1.0/24")]);
        var plan = VxlanPlan.Create(desired, Observe(s_two), Name, s_network);
        Assert.Equal(["fdb replace 0e:00:00:00:00:04 dev flannel.1 dst 192.168.2.4 self permanent"], plan.Bridge);
        Assert.Equal(
            [
                "neighbor replace 10.24.4.0 lladdr 0e:00:00:00:00:04 dev flannel.1 nud permanent",
                "route replace 10.24.2.0/24 via 192.168.1.2 dev eth0 proto 142",
                "route replace 10.24.4.0/24 via 10.24.4.0 dev flannel.1 onlink proto 142",
                "neighbor delete 10.24.2.0 dev flannel.1",
            ],
            plan.Ip);
        Assert.Equal(["fdb delete 0e:00:00:00:00:02 dev flannel.1 dst 192.168.1.2 self"], plan.BridgeAfter);
    }

    [Fact]
    public void Peers_are_read_back_from_complete_entries_only()
    {
        var all = Observe(s_two, s_three);
        Assert.Equal([s_two, s_three], all.ReadPeers(Name, s_network));
        Assert.Equal([s_three], (all with { Fdb = [.. all.Fdb.Skip(1)] }).ReadPeers(Name, s_network));
        var direct = new VxlanRoute(s_two.Subnet, s_two.PublicIp, "eth0", IsOnLink: false, VxlanEntries.Protocol);
        Assert.Equal([s_two with { Mac = null }], (ObservedEntries.None with { Routes = [direct] }).ReadPeers(Name, s_network));
        Assert.Empty((ObservedEntries.None with { Routes = [direct with { Protocol = "static" }] }).ReadPeers(Name, s_network));
    }

    [Fact]
    public void Of_two_peers_with_one_MAC_address_the_later_one_decides()
    {
        var entries = VxlanEntries.For([s_two, s_three with { Mac = s_two.Mac }], s_device, []);
        Assert.Equal(s_three.PublicIp, Assert.Single(entries.Fdb).Value);
        Assert.Equal(2, entries.Routes.Count);
    }

    private static VxlanPlan Plan(IReadOnlyList<VxlanPeer> peers, ObservedEntries observed) =>
        VxlanPlan.Create(VxlanEntries.For(peers, s_device, []), observed, Name, s_network);

    private static (int Bridge, int Ip) Count(VxlanPlan plan) => (plan.Bridge.Count, plan.Ip.Count);

    private static MacAddress Mac(byte last) => new(0x0e0000000000UL | last);

    private static VxlanPeer Peer(byte number) =>
        new(Ipv4Network.Parse($"10.24.{number}.0/24"), Ipv4Address.Parse($"192.168.1.{number}"), Mac(number));

    private static ObservedEntries Observe(params VxlanPeer[] peers)
    {
        var entries = VxlanEntries.For(peers, s_device, []);
        return new ObservedEntries(
            [.. entries.Neighbors.Select(each => new ObservedNeighbor(each.Key, each.Value, IsPermanent: true))],
            [.. entries.Fdb.Select(each => new ObservedFdbEntry(each.Key, each.Value, IsPermanent: true))],
            [.. entries.Routes.Values]);
    }
}
