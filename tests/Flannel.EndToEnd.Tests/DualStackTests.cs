using System.Net;
using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>A dual-stack cluster of backend vxlan: the native executable, nodes in network namespaces that have IPv6 addresses, a real
/// etcd.</summary>
public sealed class DualStackTests : EndToEndTest
{
    private const string Device = "flannel-v6.1";

    private const string Config = "{\"Network\":\"" + TestVpc.Network
        + "\",\"EnableIPv6\":true,\"IPv6Network\":\"fc00::/48\",\"Backend\":{\"Type\":\"vxlan\"}}";

    /// <summary>Repairs come every five seconds.</summary>
    private static readonly TimeSpan s_repair = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Containers_talk_in_both_families_and_a_failure_of_IPv6_does_not_affect_IPv4()
    {
        await Require.NamespacesAsync();
        await StartVpcAsync(3, publishConfig: false);
        await Vpc.PublishConfigAsync(Cancel, Config);
        foreach (var instance in Vpc.Instances) instance.HasNetAdmin = true;
        await AssertNodeWithoutIpv6EndsAsync(Vpc.Instances[2]);
        await ((VpcTopology)Vpc).RouterNamespace.SetAsync(new NamedValue("ipv6/conf/all/forwarding", "1"));
        await AddIpv6Async(Vpc.Instances[0]);
        await AddIpv6Async(Vpc.Instances[1]);
        var daemon = await StartReadyAsync(0, $"--healthz-port={EcsInstance.HealthPort}");
        await StartReadyAsync(1);
        await AssertFormAsync(0);
        await AssertFormAsync(1);

        await using var first = await Container.StartAsync(Vpc.Instances[0], Cancel);
        await using var second = await Container.StartAsync(Vpc.Instances[1], Cancel);
        await AddIpv6Async(first, Vpc.Instances[0]);
        var address = await AddIpv6Async(second, Vpc.Instances[1]);
        await first.WaitForPingAsync(second.Address, Cancel);
        await first.WaitForPingAsync(address, Cancel);

        // Deleted by another program, and repaired.
        await Vpc.Instances[0].Namespace!.IpAsync(Cancel, $"link del {Device}");
        Assert.Equal(1, (await first.PingAsync(second.Address, Cancel)).Received);
        await daemon.WaitForLogAsync($"node[1153] restored the device and all entries of {Device}", Cancel, s_repair);
        await first.WaitForPingAsync(address, Cancel);

        // A host that loses IPv6 altogether.
        await Vpc.Instances[0].Namespace!.SetAsync(new NamedValue("ipv6/conf/all/disable_ipv6", "1"));
        await daemon.WaitForLogAsync("node[1169] IPv6 between the containers interrupted", Cancel, s_repair);
        Assert.Equal(1, (await first.PingAsync(second.Address, Cancel)).Received);
        Assert.True(File.Exists(Vpc.Instances[0].SubnetFile));
        using var http = Vpc.Instances[0].CreateHttpClient(EcsInstance.HealthPort);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(new Uri("/readyz", UriKind.Relative), Cancel)).StatusCode);
    }

    /// <summary>The node has IPv4 only.</summary>
    private async Task AssertNodeWithoutIpv6EndsAsync(EcsInstance instance)
    {
        var daemon = await instance.StartDaemonAsync();
        Assert.Equal(1, await daemon.WaitForExitAsync(Cancel));
        Assert.Contains(
            "EnableIPv6 is true, and the interface between the hosts has no IPv6 address", daemon.StandardError, StringComparison.Ordinal);
        Assert.Empty(await Vpc.LeasesAsync(Cancel));
    }

    /// <summary>An address for the host, routed by the router of the test bed.</summary>
    private async Task AddIpv6Async(EcsInstance instance)
    {
        var number = instance.Facts.Number;
        var network = $"fd00:1:0:{number:x}";
        await ((VpcTopology)Vpc).RouterNamespace.IpAsync(
            Cancel, $"address add {network}::1/64 dev {VpcRouter.Port(number)} nodad");
        await instance.Namespace!.SetAsync(new NamedValue("ipv6/conf/all/forwarding", "1"));
        await instance.Namespace.IpAsync(
            Cancel, $"address add {network}::11/64 dev eth0 nodad", $"route add default via {network}::1");
    }

    /// <summary>Gives the bridge and the container addresses of the node's IPv6 subnet, as CNI's flannel plugin does.</summary>
    /// <returns>The container's.</returns>
    private static async Task<string> AddIpv6Async(Container container, EcsInstance instance)
    {
        var gateway = (await instance.ReadSubnetFileAsync(Cancel))!["FLANNEL_IPV6_SUBNET"].Split('/')[0];
        var address = gateway[..^1] + "2";
        await instance.Namespace!.IpAsync(Cancel, $"address add {gateway}/64 dev docker0 nodad");
        await container.Namespace.IpAsync(
            Cancel, $"address add {address}/64 dev eth0 nodad", $"route add default via {gateway}");
        return address;
    }

    /// <summary>Lease, device and subnet.env have upstream's form.</summary>
    private async Task AssertFormAsync(int instance)
    {
        var node = Vpc.Instances[instance];
        var lease = (await LeaseAsync(instance))!;
        var ipv6 = lease.Key.Split('&')[1];
        var subnet = ipv6[..ipv6.LastIndexOf('-')];
        var address = $"fd00:1:0:{node.Facts.Number:x}::11";
        var device = (await node.Namespace!.ExecAsync("ip", ["-json", "-details", "address", "show", "dev", Device], Cancel)).Output;
        var mac = JsonNode.Parse(device)![0]!["address"]!.GetValue<string>();
        Assert.Contains($"\"PublicIPv6\":\"{address}\"", lease.Value, StringComparison.Ordinal);
        Assert.EndsWith($",\"BackendV6Data\":{{\"VNI\":1,\"VtepMAC\":\"{mac}\"}}}}", lease.Value, StringComparison.Ordinal);
        string[] texts = [$"\"local6\":\"{address}\"", "\"port\":8472", "\"mtu\":1430", $"\"local\":\"{subnet}\",\"prefixlen\":128"];
        foreach (var text in texts) Assert.Contains(text, device, StringComparison.Ordinal);
        var file = await File.ReadAllTextAsync(node.SubnetFile, Cancel);
        Assert.Contains(
            $"\nFLANNEL_IPV6_NETWORK=fc00::/48\nFLANNEL_IPV6_SUBNET={subnet}1/64\nFLANNEL_MTU=1430\n", file, StringComparison.Ordinal);
    }
}
