using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Tests.Leases;
using Flannel.HostNetwork.Vxlan;
using Flannel.Testbed;

namespace Flannel.HostNetwork.Tests.Vxlan;

/// <summary>The device and the entries of IPv6: pure parts, and the real kernel in a network namespace.</summary>
public sealed class Ipv6Tests
{
    private const string Name = "flannel-v6.1";

    private static readonly IpNetwork s_network = IpNetwork.Parse("fc00::/48");
    private static readonly IpAddress s_own = IpAddress.Parse("fc00:0:0:1::");
    private static readonly VxlanDevice s_device = new(1, "eth0", IpAddress.Parse("fd00:1::11"), 8472, 1430, Mac(1));
    private static readonly VxlanPeer s_peer = new(IpNetwork.Parse("fc00:0:0:2::/64"), IpAddress.Parse("fd00:1::12"), Mac(2));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void The_entries_of_a_peer_have_upstreams_form()
    {
        var plan = VxlanPlan.Create(VxlanEntries.For([s_peer], s_device, []), ObservedEntries.None, Name, s_network);
        var lines = Lines(plan);
        Assert.Contains("fdb replace 0e:00:00:00:00:02 dev flannel-v6.1 dst fd00:1::12 self permanent", lines);
        Assert.Contains("neighbor replace fc00:0:0:2:: lladdr 0e:00:00:00:00:02 dev flannel-v6.1 nud permanent", lines);
        Assert.Contains("route replace fc00:0:0:2::/64 via fc00:0:0:2:: dev flannel-v6.1 onlink proto 142", lines);
        Assert.Equal(3, lines.Count);
    }

    [Fact]
    public void DirectRouting_uses_a_plain_route()
    {
        var entries = VxlanEntries.For([s_peer], s_device, [IpNetwork.Parse("fd00:1::/64"), IpNetwork.Parse("192.168.1.0/24")]);
        var plan = VxlanPlan.Create(entries, ObservedEntries.None, Name, s_network);
        Assert.Equal(["route replace fc00:0:0:2::/64 via fd00:1::12 dev eth0 proto 142"], Lines(plan));
    }

    [Fact]
    public void Peers_are_read_from_the_IPv6_part_of_dual_stack_leases()
    {
        var self = new VxlanPeer(IpNetwork.Parse("fc00:0:0:1::/64"), s_device.Local, Mac(1));
        var peers = LeasedPeers.Read(
            [
                Lease("10.24.1.0-24&fc00:0:0:1::-64", "fd00:1::11", 1),
                Lease("10.24.2.0-24&fc00:0:0:2::-64", "fd00:1::12", 2),
                Lease("10.24.3.0-24", "fd00:1::13", 3),
                Lease("10.24.4.0-24&fc00:0:0:4::-64", null, 4),
                Lease("10.24.5.0-24&fc00:0:0:5::-64", "192.168.1.15", 5),
                Lease("10.24.6.0-24&fc01:0:0:6::-64", "fd00:1::16", 6),
                Lease("10.24.7.0-24&fc00:0:0:7::-64", "fd00:1::17", null),
                Lease("10.24.8.0-24&fc00:0:0:8::-64", "fd00:1::18", 1),
            ],
            s_network, self);
        Assert.Equal([s_peer], peers.Peers);
        Assert.Equal(
            [
                "lease fc00:0:0:4::/64 of 192.168.0.4: it has no IPv6 address",
                "lease fc00:0:0:5::/64 of 192.168.0.5: it has no IPv6 address",
                "lease fc01:0:0:6::/64 of 192.168.0.6: it is not inside fc00::/48, the network that this node started with",
                "lease fc00:0:0:7::/64 of 192.168.0.7: BackendV6Data is missing",
                "lease fc00:0:0:8::/64 of 192.168.0.8: its VtepMAC 0e:00:00:00:00:01 is that of this node",
            ],
            peers.Rejected);
        Assert.Equal(7, peers.Taken.Count);
    }

    [Fact]
    public void What_iproute2_prints_of_IPv6_is_read()
    {
        // iproute2 6.1.0 on Linux 6.18.
        var device = IprouteJson.ParseDevice(
            """
            [{"ifname":"flannel-v6.1","flags":["UP"],"mtu":1430,"address":"0e:00:00:00:00:01","linkinfo":{"info_kind":"vxlan",
            "info_data":{"id":1,"local6":"fd00:1::11","link":"eth0","port":8472,"learning":false}},
            "addr_info":[{"family":"inet6","local":"fc00:0:0:1::","prefixlen":128,"scope":"global","nodad":true}]}]
            """).Value;
        Assert.Equal(s_device.Local, device.Local);
        Assert.Equal([new ObservedAddress(s_own, 128)], device.Addresses);
        var routes = IprouteJson.ParseRoutes(
            """
            [{"dst":"fc00:0:0:1::","dev":"flannel-v6.1","protocol":"kernel","metric":256,"flags":[],"pref":"medium"},
            {"dst":"fc00:0:0:2::/64","gateway":"fc00:0:0:2::","dev":"flannel-v6.1","protocol":"142","metric":1024,"flags":["onlink"]},
            {"dst":"fc00:0:0:3::/64","gateway":"fd00:1::13","dev":"eth0","protocol":"142","metric":100,"flags":[],"pref":"medium"}]
            """).Value;
        Assert.Equal([new VxlanRoute(s_peer.Subnet, s_peer.Subnet.Address, Name, IsOnLink: true, "142")], routes);
    }

    [Theory]
    [InlineData("flannel-v6.1", true)]
    [InlineData("flannel-v6.", false)]
    [InlineData("flannel-v6.x", false)]
    [InlineData("flannel.9", true)]
    public void Devices_of_both_families_are_recognized_by_their_name(string name, bool expected) =>
        Assert.Equal(expected, VxlanDevice.IsName(name));

    [Fact]
    public async Task The_kernel_has_what_was_planned_and_repairs_are_as_small_as_the_damage()
    {
        await using var ns = await StartAsync();
        var network = Network(ns);
        Assert.True((await network.EnsureDeviceAsync(s_device, null, s_network, Cancel)).Value.IsCreated);
        Assert.Equal(s_device.Mac, (await network.ReadMacAsync(Name, Cancel)).Value.Mac);
        Assert.False((await network.EnsureDeviceAsync(s_device, s_own, s_network, Cancel)).Value.IsCreated);
        Assert.Empty((await network.EnsureDeviceAsync(s_device, s_own, s_network, Cancel)).Value.Ip);
        Assert.Contains("inet6 fc00:0:0:1::/128", await ns.IpAsync(Cancel, $"address show dev {Name}"), StringComparison.Ordinal);

        await ApplyAsync(network, [s_peer]);
        Assert.True((await PlanAsync(network, [s_peer])).IsEmpty);
        Assert.Contains(
            "fc00:0:0:2::/64 via fc00:0:0:2:: dev flannel-v6.1 proto 142 metric 1024 onlink",
            (await ns.ExecAsync("ip", ["-6", "route", "show"], Cancel)).Output, StringComparison.Ordinal);

        await ns.IpAsync(Cancel, "route delete fc00:0:0:2::/64");
        Assert.Single(Lines(await PlanAsync(network, [s_peer])));
        // As a direct route, and back.
        await ns.IpAsync(Cancel, "route add fc00:0:0:2::/64 via fd00:1::12 dev eth0 proto 142");
        await ApplyAsync(network, [s_peer]);
        Assert.True((await PlanAsync(network, [s_peer])).IsEmpty);

        // An interface that goes down loses its IPv6 addresses and routes.
        await ns.IpAsync(Cancel, $"link set {Name} down");
        Assert.NotEmpty((await network.EnsureDeviceAsync(s_device, s_own, s_network, Cancel)).Value.Ip);
        await ApplyAsync(network, [s_peer]);
        Assert.Empty((await network.EnsureDeviceAsync(s_device, s_own, s_network, Cancel)).Value.Ip);
        Assert.True((await PlanAsync(network, [s_peer])).IsEmpty);

        var observed = (await network.ReadEntriesAsync(Name, s_network, Cancel)).Value;
        Assert.Equal([s_peer], observed.ReadPeers(Name, s_network));
        await ApplyAsync(network, []);
        observed = (await network.ReadEntriesAsync(Name, s_network, Cancel)).Value;
        Assert.Equal((0, 0, 0), (observed.Routes.Count, observed.Neighbors.Count(each => each.IsPermanent), observed.Fdb.Count));
    }

    [Fact]
    public async Task Another_local_address_creates_the_device_again()
    {
        await using var ns = await StartAsync();
        var network = Network(ns);
        await network.EnsureDeviceAsync(s_device, s_own, s_network, Cancel);
        var moved = s_device with { Local = IpAddress.Parse("fd00:1::21") };
        var plan = (await network.EnsureDeviceAsync(moved, s_own, s_network, Cancel)).Value;
        Assert.Equal((true, "local address fd00:1::11, now fd00:1::21"), (plan.IsCreated, plan.Reason));
        Assert.Empty((await network.EnsureDeviceAsync(moved, s_own, s_network, Cancel)).Value.Ip);
    }

    private static async Task<NetworkNamespace> StartAsync()
    {
        if (await NetworkNamespace.UnavailableAsync(Cancel) is { } reason) Assert.Skip(reason);
        var ns = await NetworkNamespace.CreateAsync("vxlan6", Cancel);
        await ns.IpAsync(
            Cancel, "link add eth0 type veth peer name peer0", "link set eth0 up", "link set peer0 up",
            "address add fd00:1::11/64 dev eth0 nodad");
        return ns;
    }

    private static VxlanNetwork Network(NetworkNamespace ns) =>
        new(new NamespaceCommands(ns.Name), new KernelSettings("/nonexistent"));

    private static async Task<VxlanPlan> PlanAsync(VxlanNetwork network, IEnumerable<VxlanPeer> peers)
    {
        var observed = await network.ReadEntriesAsync(Name, s_network, Cancel);
        Assert.Null(observed.Error);
        return VxlanPlan.Create(VxlanEntries.For(peers, s_device, []), observed.Value, Name, s_network);
    }

    private static async Task ApplyAsync(VxlanNetwork network, IEnumerable<VxlanPeer> peers) =>
        Assert.Null((await network.ApplyAsync(await PlanAsync(network, peers), Cancel)).Error);

    private static IReadOnlyList<string> Lines(VxlanPlan plan) => [.. plan.Bridge, .. plan.Ip, .. plan.BridgeAfter];

    private static MacAddress Mac(ulong number) => new(0x0e_00_00_00_00_00 + number);

    private static Lease Lease(string key, string? publicIpv6, ulong? mac)
    {
        Assert.True(SubnetKey.TryParse(key, out var parsed));
        var third = key.Split('.')[2];
        var data = mac is { } number ? $$"""{"VNI":1,"VtepMAC":"{{Mac(number)}}"}""" : null;
        var attributes = new LeaseAttributes(
            Ipv4Address.Parse($"192.168.0.{third}"), publicIpv6, "vxlan", """{"VNI":1,"VtepMAC":"0e:00:00:00:09:09"}""", data);
        return new Lease(parsed, attributes, new TestLeaseIdentity(1, 1), long.Parse(third, null));
    }
}
