using System.Text.Json.Nodes;
using Flannel.Testbed;
using Flannel.Testbed.Kubernetes;

namespace Flannel.EndToEnd.Tests.Kubernetes;

/// <summary>Backend vxlan, and the way from upstream flannel with vxlan to the VPC (docs/kubernetes.md).</summary>
[Trait(KubePrograms.TraitName, KubePrograms.TraitValue)]
public sealed class VxlanTests(KubeClusterPool pool) : KubernetesTest(pool)
{
    private const int Nodes = 3;
    private const int Port = 8472;
    private const string Device = "flannel.1";
    private const string Vxlan = "{\"Network\":\"" + TestVpc.Network + "\",\"Backend\":{\"Type\":\"vxlan\"}}";
    private const string Fallback =
        "{\"Network\":\"" + TestVpc.Network + "\",\"Backend\":{\"Type\":\"ali-vpc\",\"Fallback\":\"vxlan\"}}";

    private readonly List<Container> containers = [];

    [Fact]
    public async Task Containers_of_two_nodes_reach_each_other_through_the_tunnel()
    {
        await PrepareAsync(Vxlan);
        await Task.WhenAll(StartReadyAsync(0), StartReadyAsync(1));
        await StartContainersAsync(2);
        await containers[0].WaitForPingAsync(containers[1].Address, Cancel);
        await using var capture = await PacketCapture.StartAsync(Vpc.RouterNamespace, Port);
        Assert.Equal(3, (await containers[0].PingAsync(containers[1].Address, Cancel, 3)).Received);
        Assert.Equal(3, (await containers[1].PingAsync(containers[0].Address, Cancel, 3)).Received);

        var (from, to) = (Vpc.Instances[0].PublicIp, Vpc.Instances[1].PublicIp);
        var request = new CapturedPacket(from, to, Port, 1, containers[0].Address, containers[1].Address);
        await Eventually.IsAsync("the packet is captured", () => Task.FromResult(capture.Captured.Contains(request)), Cancel);
        Assert.DoesNotContain(capture.Captured, packet => packet.From == containers[0].Address);
        for (var instance = 0; instance < 2; instance++)
        {
            Assert.Equal("vxlan", await AnnotationAsync(instance, "backend-type"));
            Assert.Equal(
                $$"""{"VNI":1,"VtepMAC":"{{await MacAsync(instance)}}"}""", await AnnotationAsync(instance, "backend-data"));
            Assert.Equal("1450", (await Vpc.Instances[instance].ReadSubnetFileAsync(Cancel))!["FLANNEL_MTU"]);
            await WaitForConditionAsync(instance, FlannelIsUp);
        }
        Assert.Empty(await Vpc.Control.CustomRoutesAsync(Cancel));

        await Admin.DeleteNodeAsync(Cluster.NameOf(1), Cancel);
        await Eventually.IsAsync("the peer has no entry", async () => await TunnelRoutesAsync(0) == "", Cancel);
    }

    /// <summary>Steps 2 to 4 of "From upstream flannel with vxlan".</summary>
    [Fact]
    public async Task The_nodes_of_upstream_flannel_move_from_the_tunnel_to_the_VPC_without_a_lost_packet()
    {
        await PrepareAsync(Vxlan);
        for (var instance = 0; instance < Nodes; instance++) await LeaveUpstreamAsync(instance);
        await StartContainersAsync(Nodes);
        foreach (var pair in Pairs()) await containers[pair.From].WaitForPingAsync(containers[pair.To].Address, Cancel);
        await using var pings = await ContainerPings.StartAsync(containers, Cancel);

        // Step 2.
        await Task.WhenAll(Enumerable.Range(0, Nodes).Select(instance => StartAgainAsync(instance)));
        foreach (var pair in Pairs()) await WaitForTunnelAsync(pair, true);
        for (var instance = 0; instance < Nodes; instance++) Assert.Equal(MacOf(instance), await MacAsync(instance));

        // Step 3.
        await Cluster.WriteNetConfAsync(Fallback, Cancel);
        for (var instance = 0; instance < Nodes; instance++)
        {
            await RestartAsync(instance);
            foreach (var pair in Pairs()) await WaitForTunnelAsync(pair, pair.From > instance || pair.To > instance);
            await AssertAllReachEachOtherAsync();
        }
        for (var instance = 0; instance < Nodes; instance++) await WaitForRouteAsync(SubnetOf(instance), instance);

        // Step 4.
        await Cluster.WriteNetConfAsync(TestVpc.Config, Cancel);
        for (var instance = 0; instance < Nodes; instance++)
        {
            await RestartAsync(instance);
            await Vpc.Instances[instance].Namespace!.IpAsync(Cancel, $"link delete {Device}");
            await AssertAllReachEachOtherAsync();
        }
        await pings.AssertNothingLostAsync(Cancel);
        for (var instance = 0; instance < Nodes; instance++)
        {
            // With the MTU of the VPC.
            var file = await File.ReadAllTextAsync(Vpc.Instances[instance].SubnetFile, Cancel);
            Assert.Equal(TestVpc.SubnetEnv($"10.24.{instance + 1}.1/24"), file);
        }
    }

    public override async ValueTask DisposeAsync()
    {
        foreach (var container in containers) await container.DisposeAsync();
        await base.DisposeAsync();
    }

    /// <summary>Indexes of instances.</summary>
    private sealed record Pair(int From, int To);

    private static IEnumerable<Pair> Pairs() =>
        from source in Enumerable.Range(0, Nodes)
        from target in Enumerable.Range(0, Nodes)
        where source != target
        select new Pair(source, target);

    private async Task PrepareAsync(string config)
    {
        await Cluster.WriteNetConfAsync(config, Cancel);
        foreach (var instance in Vpc.Instances)
        {
            instance.HasNetAdmin = true;
            await Vpc.Control.SetSourceDestCheckAsync(instance.Facts.NetworkInterfaceId, true, Cancel);
            // The daemon itself must relax the filter of its device.
            await instance.Namespace!.SetAsync(
                new("ipv4/conf/all/rp_filter", "0"), new("ipv4/conf/eth0/rp_filter", "2"), new("ipv4/conf/default/rp_filter", "1"));
        }
    }

    /// <summary>What upstream leaves on a node when its DaemonSet is deleted: annotations, device, entries and subnet.env.</summary>
    private async Task LeaveUpstreamAsync(int instance)
    {
        var (node, data) = (Vpc.Instances[instance], $$"""{"VNI":1,"VtepMAC":"{{MacOf(instance)}}"}""");
        await Admin.CreateNodeAsync(
            LeasedNode(instance) with { Annotations = Annotations("vxlan", data, node.PublicIp) }, Cancel);
        var peers = Enumerable.Range(0, Nodes).Where(peer => peer != instance).ToList();
        var device = $"type vxlan id 1 local {node.PublicIp} dev eth0 dstport {Port} nolearning";
        await node.Namespace!.IpAsync(
            Cancel,
            [
                $"link add {Device} address {MacOf(instance)} mtu 1450 {device}",
                $"address add {AddressOf(instance)}/32 dev {Device}", $"link set {Device} up",
                .. peers.Select(peer => $"neighbor add {AddressOf(peer)} lladdr {MacOf(peer)} dev {Device} nud permanent"),
                .. peers.Select(peer => $"route add {SubnetOf(peer)} via {AddressOf(peer)} dev {Device} onlink"),
            ]);
        foreach (var peer in peers)
        {
            string[] entry = ["fdb", "add", MacOf(peer), "dev", Device, "dst", Vpc.Instances[peer].PublicIp, "self", "permanent"];
            Assert.Equal(0, (await node.Namespace!.ExecAsync("bridge", entry, Cancel)).ExitCode);
        }
        var file = TestVpc.SubnetEnv($"10.24.{instance + 1}.1/24").Replace("MTU=1500", "MTU=1450", StringComparison.Ordinal);
        await File.WriteAllTextAsync(node.SubnetFile, file, Cancel);
    }

    /// <summary>The address of the device: the first of the subnet.</summary>
    private static string AddressOf(int instance) => SubnetOf(instance).Split('/')[0];

    private static string MacOf(int instance) => $"0e:00:00:00:00:{instance + 1:x2}";

    private async Task RestartAsync(int instance)
    {
        await Vpc.Instances[instance].Daemon!.StopAsync(Cancel);
        await StartAgainAsync(instance, QuickResync);
    }

    private async Task StartContainersAsync(int count)
    {
        foreach (var instance in Vpc.Instances.Take(count)) containers.Add(await Container.StartAsync(instance, Cancel));
    }

    private async Task AssertAllReachEachOtherAsync()
    {
        var results = await Task.WhenAll(Pairs().Select(async pair =>
            (pair, (await containers[pair.From].PingAsync(containers[pair.To].Address, Cancel)).Received)));
        Assert.All(results, result => Assert.Equal((result.pair, 1), result));
    }

    private Task WaitForTunnelAsync(Pair pair, bool expected) => Eventually.IsAsync(
        $"node {pair.From} reaches node {pair.To} {(expected ? "through" : "past")} the tunnel",
        async () => (await TunnelRoutesAsync(pair.From)).Contains($"{SubnetOf(pair.To)} ", StringComparison.Ordinal) == expected, Cancel,
        context: DescribeDaemons);

    private Task<string> TunnelRoutesAsync(int instance) =>
        Vpc.Instances[instance].Namespace!.IpAsync(Cancel, $"route show dev {Device} proto 142");

    private async Task<string> MacAsync(int instance)
    {
        var result = await Vpc.Instances[instance].Namespace!.ExecAsync("ip", ["-json", "link", "show", "dev", Device], Cancel);
        return JsonNode.Parse(result.Output)![0]!["address"]!.GetValue<string>();
    }
}
