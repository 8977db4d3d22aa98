using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>Backend vxlan: the native executable as an ordinary user with CAP_NET_ADMIN, nodes in network namespaces, a real
/// etcd.</summary>
public sealed class VxlanTests : EndToEndTest
{
    private const int Port = 8472;
    private const string Device = "flannel.1";
    private const string Vxlan = "{\"Network\":\"" + TestVpc.Network + "\",\"Backend\":{\"Type\":\"vxlan\"}}";

    /// <summary>Repairs come every five seconds.</summary>
    private static readonly TimeSpan s_repair = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Containers_of_two_nodes_talk_through_the_tunnel()
    {
        await StartVxlanAsync(2);
        await StartReadyAsync(0);
        await StartReadyAsync(1);
        await using var first = await Container.StartAsync(Vpc.Instances[0], Cancel);
        await using var second = await Container.StartAsync(Vpc.Instances[1], Cancel);
        // Node 0 was ready before node 1 had a lease.
        await first.WaitForPingAsync(second.Address, Cancel);
        await using var capture = await PacketCapture.StartAsync(((VpcTopology)Vpc).RouterNamespace, Port);
        Assert.Equal(3, (await first.PingAsync(second.Address, Cancel, 3)).Received);
        Assert.Equal(3, (await second.PingAsync(first.Address, Cancel, 3)).Received);

        var (from, to) = (Vpc.Instances[0].PublicIp, Vpc.Instances[1].PublicIp);
        var request = new CapturedPacket(from, to, Port, 1, first.Address, second.Address);
        await Eventually.IsAsync("the packet is captured", () => Task.FromResult(capture.Captured.Contains(request)), Cancel);
        Assert.DoesNotContain(capture.Captured, packet => packet.From == first.Address || packet.To == first.Address);
        await AssertFormAsync();
    }

    [Fact]
    public async Task Three_nodes_that_start_in_the_same_moment_reach_each_other()
    {
        await StartVxlanAsync(3);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(instance => StartReadyAsync(instance)));
        List<Container> containers = [];
        try
        {
            foreach (var instance in Vpc.Instances) containers.Add(await Container.StartAsync(instance, Cancel));
            foreach (var from in containers)
            {
                foreach (var to in containers.Where(to => to != from)) await from.WaitForPingAsync(to.Address, Cancel);
            }
        }
        finally
        {
            foreach (var container in containers) await container.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_restart_loses_no_packet_and_keeps_subnet_and_MAC_address()
    {
        await StartVxlanAsync(2);
        var daemon = await StartReadyAsync(0);
        await StartReadyAsync(1);
        await using var pair = await StartPairAsync();
        var (first, second) = (pair.First, pair.Second);
        var (lease, mac) = (await LeaseAsync(0), await MacAsync(0));

        var pinging = first.PingAsync(second.Address, Cancel, 80);
        await daemon.StopAsync(Cancel);
        await StartReadyAsync(0);
        // A pass that finds nothing to do.
        await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, Cancel);
        var result = await pinging;

        Assert.Equal((80, 80), (result.Sent, result.Received));
        Assert.Equal((lease, mac), (await LeaseAsync(0), await MacAsync(0)));
    }

    [Fact]
    public async Task A_released_node_has_no_lease_and_its_peers_have_no_entry_for_it()
    {
        await StartVxlanAsync(2);
        var daemon = await StartReadyAsync(0);
        await StartReadyAsync(1);
        await WaitForEntriesAsync(1);
        await daemon.StopAsync(Cancel);
        var subnet = await SubnetAsync(0);

        var result = await Vpc.Instances[0].RunCommandAsync("release", Cancel);

        Assert.Equal((0, $"{subnet} is released\n"), (result.ExitCode, result.Output));
        Assert.Null(await LeaseAsync(0));
        Assert.False(File.Exists(Vpc.Instances[0].SubnetFile));
        await Eventually.IsAsync(
            "the peer has no entry", async () => await CountEntriesAsync(1) is (0, 0, 0), Cancel);
    }

    [Fact]
    public async Task What_another_program_deletes_is_repaired()
    {
        await StartVxlanAsync(2);
        var daemon = await StartReadyAsync(0);
        await StartReadyAsync(1);
        await using var pair = await StartPairAsync();
        var (first, second) = (pair.First, pair.Second);
        var (lease, subnet) = (await LeaseAsync(0), await SubnetAsync(1));
        var peerMac = await MacAsync(1);
        var ns = Vpc.Instances[0].Namespace!;
        string[] commands =
        [
            $"ip route del {subnet}", $"ip neighbor del {subnet.Split('/')[0]} dev {Device}",
            $"bridge fdb del {peerMac} dev {Device} dst {Vpc.Instances[1].PublicIp} self",
            $"ip link set {Device} down", $"ip link del {Device}",
        ];
        foreach (var command in commands)
        {
            var parts = command.Split(' ');
            Assert.Equal(0, (await ns.ExecAsync(parts[0], parts[1..], Cancel)).ExitCode);
            Assert.Equal(0, (await first.PingAsync(second.Address, Cancel)).Received);
            await first.WaitForPingAsync(second.Address, Cancel, s_repair);
        }

        await daemon.WaitForLogAsync("node[1153] restored ", Cancel);
        Assert.Equal(lease, await LeaseAsync(0));
        Assert.True(File.Exists(Vpc.Instances[0].SubnetFile));
    }

    [Fact]
    public async Task Two_hundred_peers_of_upstream_flannel_are_applied_and_removed()
    {
        const int count = 200;
        await StartVxlanAsync(1);
        await StartReadyAsync(0);
        var own = await SubnetAsync(0);
        var etcdLease = await Vpc.Etcd.Keys.GrantAsync(TimeSpan.FromHours(1), Cancel);
        var numbers = Enumerable.Range(1, 250).Where(number => $"10.24.{number}.0/24" != own).Take(count).ToList();
        foreach (var number in numbers)
            await PutPeerAsync($"10.24.{number}.0-24", $"192.168.100.{number}", $"3a:8e:5f:0c:11:{number:x2}", etcdLease);

        await WaitForEntriesAsync(count);
        var ns = Vpc.Instances[0].Namespace!;
        var last = numbers[^1];
        Assert.Contains(
            $"10.24.{last}.0/24 via 10.24.{last}.0 dev {Device} proto 142 onlink", await ns.IpAsync(Cancel, "route show"),
            StringComparison.Ordinal);
        Assert.Contains(
            $"10.24.{last}.0 lladdr 3a:8e:5f:0c:11:{last:x2} PERMANENT", await ns.IpAsync(Cancel, $"neighbor show dev {Device}"),
            StringComparison.Ordinal);
        Assert.Contains(
            $"3a:8e:5f:0c:11:{last:x2} dst 192.168.100.{last} self permanent",
            (await ns.ExecAsync("bridge", ["fdb", "show", "dev", Device], Cancel)).Output, StringComparison.Ordinal);

        await Vpc.Etcd.Keys.RevokeAsync(etcdLease, Cancel);
        await WaitForEntriesAsync(0);
    }

    [Fact]
    public async Task Peers_keep_their_entries_when_etcd_is_emptied_and_filled_again()
    {
        await StartVxlanAsync(1);
        var daemon = await StartReadyAsync(0);
        var own = await SubnetAsync(0);
        var number = own == "10.24.7.0/24" ? 8 : 7;
        await PutPeerAsync($"10.24.{number}.0-24", "192.168.100.7", "3a:8e:5f:0c:11:07", 0);
        await WaitForEntriesAsync(1);

        // The lease ends while no daemon watches.
        await daemon.StopAsync(Cancel);
        await Vpc.Etcd.Keys.DeleteAsync($"{SubnetPrefix}10.24.{number}.0-24", Cancel);
        var second = await StartReadyAsync(0);
        await second.WaitForLogAsync("1 node without a lease that flannel.1 forwards to", Cancel);
        await WaitForEntriesAsync(1);

        // The lease ends before the watch.
        await PutPeerAsync($"10.24.{number}.0-24", "192.168.100.7", "3a:8e:5f:0c:11:07", 0);
        await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, Cancel);
        await Vpc.Etcd.Keys.DeleteAsync($"{SubnetPrefix}10.24.{number}.0-24", Cancel);
        await WaitForEntriesAsync(0);
    }

    [Fact]
    public async Task A_device_whose_parameters_changed_is_created_again_with_its_MAC_address_from_the_lease()
    {
        await StartVxlanAsync(1);
        var first = await StartReadyAsync(0);
        var mac = await MacAsync(0);
        await first.StopAsync(Cancel);
        await Vpc.PublishConfigAsync(Cancel, Vxlan.Replace("}}", ",\"Port\":8473,\"mtu\":1400}}", StringComparison.Ordinal));

        var second = await StartReadyAsync(0);
        await second.WaitForLogAsync("it has port 8472, now 8473", Cancel);
        Assert.Equal("1350", (await Vpc.Instances[0].ReadSubnetFileAsync(Cancel))!["FLANNEL_MTU"]);
        Assert.Equal(mac, await MacAsync(0));

        await second.StopAsync(Cancel);
        await Vpc.Instances[0].Namespace!.IpAsync(Cancel, $"link del {Device}");
        await StartReadyAsync(0);
        Assert.Equal(mac, await MacAsync(0));
        Assert.Contains(mac, (await LeaseAsync(0))!.Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DirectRouting_uses_a_plain_route_inside_the_vSwitch_only()
    {
        await StartVxlanAsync(1, Vxlan.Replace("}}", ",\"DirectRouting\":true}}", StringComparison.Ordinal));
        await StartReadyAsync(0);
        var near = $"{Vpc.Instances[0].PublicIp[..Vpc.Instances[0].PublicIp.LastIndexOf('.')]}.77";
        var free = FreeSubnets(await SubnetAsync(0));
        await PutPeerAsync(KeyOf(free[0]), near, "3a:8e:5f:0c:11:07", 0);
        await PutPeerAsync(KeyOf(free[1]), "192.168.100.7", "3a:8e:5f:0c:11:08", 0);

        var ns = Vpc.Instances[0].Namespace!;
        await Eventually.IsAsync("both routes exist", async () =>
        {
            var routes = await ns.IpAsync(Cancel, "route show");
            return routes.Contains($"{free[0]} via {near} dev eth0 proto 142", StringComparison.Ordinal)
                && routes.Contains($"{free[1]} via {free[1].Split('/')[0]} dev {Device} proto 142 onlink", StringComparison.Ordinal);
        }, Cancel);
    }

    [Fact]
    public async Task Without_the_capability_the_daemon_ends_with_one_line_and_no_lease()
    {
        await StartVxlanAsync(1);
        Vpc.Instances[0].HasNetAdmin = false;
        var daemon = await Vpc.Instances[0].StartDaemonAsync();
        Assert.Equal(1, await daemon.WaitForExitAsync(Cancel));
        Assert.Contains(
            "flanneld[1004] backend vxlan needs CAP_NET_ADMIN: install the drop-in vxlan.conf", daemon.StandardError,
            StringComparison.Ordinal);
        Assert.Empty(await Vpc.LeasesAsync(Cancel));
        Assert.False(File.Exists(Vpc.Instances[0].SubnetFile));

        var check = await Vpc.Instances[0].RunCommandAsync("check", Cancel);
        Assert.Equal(1, check.ExitCode);
        Assert.Contains("CAP_NET_ADMIN", check.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cluster_is_switched_from_ali_vpc_to_vxlan_and_back_node_by_node()
    {
        await Require.NamespacesAsync();
        await StartVpcAsync(2);
        foreach (var instance in Vpc.Instances) instance.HasNetAdmin = true;
        var daemons = new[] { await StartReadyAsync(0), await StartReadyAsync(1) };
        string[] subnets = [await SubnetAsync(0), await SubnetAsync(1)];
        await using var pair = await StartPairAsync();
        var (first, second) = (pair.First, pair.Second);

        await Vpc.PublishConfigAsync(Cancel, Vxlan);
        await daemons[0].StopAsync(Cancel);
        daemons[0] = await StartReadyAsync(0);
        await daemons[0].WaitForLogAsync("1 node with another backend than vxlan", Cancel);
        // Between them the packets take the route tables.
        Assert.Equal(3, (await first.PingAsync(second.Address, Cancel, 3)).Received);
        Assert.Equal(3, (await second.PingAsync(first.Address, Cancel, 3)).Received);
        await daemons[1].StopAsync(Cancel);
        daemons[1] = await StartReadyAsync(1);
        await first.WaitForPingAsync(second.Address, Cancel);
        Assert.Equal((subnets[0], subnets[1]), (await SubnetAsync(0), await SubnetAsync(1)));
        await AssertFormAsync();

        await Vpc.PublishConfigAsync(Cancel);
        for (var instance = 0; instance < 2; instance++)
        {
            await daemons[instance].StopAsync(Cancel);
            await Vpc.Instances[instance].Namespace!.IpAsync(Cancel, $"link del {Device}");
            daemons[instance] = await StartReadyAsync(instance);
            await first.WaitForPingAsync(second.Address, Cancel);
        }

        await first.WaitForPingAsync(second.Address, Cancel);
        Assert.Equal((subnets[0], subnets[1]), (await SubnetAsync(0), await SubnetAsync(1)));
    }

    /// <summary>A container on each of the first two nodes; the second one replies to pings of the first.</summary>
    private async Task<ContainerPair> StartPairAsync()
    {
        var pair = new ContainerPair(
            await Container.StartAsync(Vpc.Instances[0], Cancel), await Container.StartAsync(Vpc.Instances[1], Cancel));
        await pair.First.WaitForPingAsync(pair.Second.Address, Cancel);
        return pair;
    }

    private sealed record ContainerPair(Container First, Container Second) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await First.DisposeAsync();
            await Second.DisposeAsync();
        }
    }

    private async Task StartVxlanAsync(int instances, string config = Vxlan)
    {
        await Require.NamespacesAsync();
        await StartVpcAsync(instances, publishConfig: false);
        await Vpc.PublishConfigAsync(Cancel, config);
        foreach (var instance in Vpc.Instances) instance.HasNetAdmin = true;
    }

    /// <summary>Lease, device and subnet.env of each node have upstream's form.</summary>
    private async Task AssertFormAsync()
    {
        for (var instance = 0; instance < Vpc.Instances.Count; instance++)
        {
            var mac = await MacAsync(instance);
            Assert.Equal(LeaseOf(Vpc.Instances[instance].PublicIp, mac), (await LeaseAsync(instance))!.Value);
            var address = (await SubnetAsync(instance)).Split('/')[0];
            var ns = Vpc.Instances[instance].Namespace!;
            var device = (await ns.ExecAsync("ip", ["-details", "address", "show", "dev", Device], Cancel)).Output;
            string[] texts = [$"inet {address}/32 scope global {Device}", "vxlan id 1 ", "dstport 8472", "nolearning", "mtu 1450"];
            foreach (var text in texts) Assert.Contains(text, device, StringComparison.Ordinal);
            Assert.Equal("1450", (await Vpc.Instances[instance].ReadSubnetFileAsync(Cancel))!["FLANNEL_MTU"]);
            Assert.Equal((Vpc.Instances.Count - 1, Vpc.Instances.Count - 1, Vpc.Instances.Count - 1), await CountEntriesAsync(instance));
        }
    }

    private async Task<string> MacAsync(int instance)
    {
        var result = await Vpc.Instances[instance].Namespace!.ExecAsync("ip", ["-json", "link", "show", "dev", Device], Cancel);
        return JsonNode.Parse(result.Output)![0]!["address"]!.GetValue<string>();
    }

    private Task PutPeerAsync(string key, string publicIp, string mac, long etcdLease) =>
        Vpc.Etcd.Keys.PutAsync(SubnetPrefix + key, LeaseOf(publicIp, mac), Cancel, etcdLease);

    /// <summary>Byte for byte as upstream flannel writes it.</summary>
    private static string LeaseOf(string publicIp, string mac) =>
        $$$"""{"PublicIP":"{{{publicIp}}}","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"{{{mac}}}"}}""";

    private async Task<(int Routes, int Neighbors, int Fdb)> CountEntriesAsync(int instance)
    {
        var ns = Vpc.Instances[instance].Namespace!;
        var routes = await ns.IpAsync(Cancel, "route show proto 142");
        var neighbors = await ns.IpAsync(Cancel, $"neighbor show dev {Device} nud permanent");
        var fdb = await ns.ExecAsync("bridge", ["fdb", "show", "dev", Device], Cancel);
        return (Lines(routes), Lines(neighbors), Lines(fdb.Output));
    }

    private static int Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;

    private Task WaitForEntriesAsync(int count) => Eventually.IsAsync(
        $"there are {count} peers", async () => await CountEntriesAsync(0) == (count, count, count), Cancel);
}
