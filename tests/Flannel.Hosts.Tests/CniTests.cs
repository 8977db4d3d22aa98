using System.Text.Json.Nodes;
using Flannel.EndToEnd.Tests;
using Flannel.Testbed;

namespace Flannel.Hosts.Tests;

/// <summary>The flannel plugin of CNI with bridge, host-local and portmap: ADD and DEL as a container runtime calls them.</summary>
[Trait(HostTraits.Needs, "cni")]
public sealed class CniTests : EndToEndTest
{
    private const string Id = "c1";

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true, Traits = [HostTraits.Quick, "true"])]
    public async Task Pods_of_two_nodes_talk(bool ipMasqFalse, bool flanneldMasquerades)
    {
        await HostPrograms.RequireAsync("cni");
        await StartVpcAsync(3);
        var vpc = (VpcTopology)Vpc;
        await using var first = await StartNodeAsync(0, flanneldMasquerades);
        await using var second = await StartNodeAsync(1, flanneldMasquerades);
        var host = await Workload.StartOnHostAsync("host of the VPC", vpc.Instances[2].Facts.PrivateIp, vpc.Instances[2].Namespace!);
        var outside = await Workload.StartOnHostAsync("outside", VpcTopology.EtcdAddress, vpc.EtcdNamespace);
        await using var hostServer = host.Process;
        await using var outsideServer = outside.Process;

        var conflist = CniNode.Conflist(ipMasqFalse);
        var pods = new List<Workload>();
        var added = new List<JsonNode>();
        foreach (var node in new[] { first, second })
        {
            await node.Machine.RunAsync(Cancel, "ip", "netns", "add", Id);
            added.Add(await new CniRuntime(node.Machine, conflist).AddAsync(Id, CniNode.HostPort, Cancel));
            pods.Add(await node.StartServerAsync(Id, AddressIn(added[^1])));
        }

        var nodes = Vpc.Instances.Select(instance => instance.Facts.PrivateIp).ToList();
        // The plugin masquerades unless the conflist or subnet.env says no; flanneld leaves the network's own traffic alone.
        var pluginMasquerades = !ipMasqFalse && !flanneldMasquerades;
        Assert.Equal(pluginMasquerades ? nodes[0] : pods[0].Address, await pods[0].SourceAtAsync(pods[1].Address, Cancel));
        var masqueraded = pluginMasquerades || flanneldMasquerades;
        Assert.Equal(masqueraded ? nodes[0] : pods[0].Address, await pods[0].SourceAtAsync(host.Address, Cancel));
        Assert.Equal(masqueraded ? nodes[0] : Workload.NoAnswer, await pods[0].SourceAtAsync(outside.Address, Cancel));
        Assert.Equal(host.Address, await host.SourceAtAsync(pods[1].Address, Cancel));
        Assert.Equal(host.Address, await host.SourceAtAsync(nodes[1], Cancel, CniNode.HostPort));

        await new CniRuntime(second.Machine, conflist).DeleteAsync(Id, CniNode.HostPort, added[1], Cancel);
        Assert.Equal(Workload.NoAnswer, await host.SourceAtAsync(nodes[1], Cancel, CniNode.HostPort));
        Assert.DoesNotContain(pods[1].Address, await second.Machine.RunAsync(Cancel, "iptables-save"), StringComparison.Ordinal);
        Assert.DoesNotContain("eth0", await second.Machine.RunAsync(Cancel, "ip", "-n", Id, "link"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_subnet_env_the_plugin_fails_and_names_the_file()
    {
        await HostPrograms.RequireAsync("cni");
        await StartVpcAsync(1);
        await using var node = await StartNodeAsync(0, flanneldMasquerades: false);
        await node.Machine.RunAsync(Cancel, "ip", "netns", "add", Id);
        await node.Instance.Daemon!.KillAsync(Cancel);
        File.Delete(node.Instance.SubnetFile);
        var failed = await Assert.ThrowsAsync<TestbedException>(
            () => new CniRuntime(node.Machine, CniNode.Conflist(ipMasqFalse: true)).AddAsync(Id, CniNode.HostPort, Cancel));
        Assert.Contains("/run/flannel/subnet.env", failed.Message, StringComparison.Ordinal);
    }

    private Task<CniNode> StartNodeAsync(int index, bool flanneldMasquerades) =>
        CniNode.StartAsync(Vpc.Instances[index], flanneldMasquerades, [HostPrograms.Common], Cancel);

    /// <summary>The address in the result of a plugin.</summary>
    private static string AddressIn(JsonNode result) => result["ips"]![0]!["address"]!.GetValue<string>().Split('/')[0];
}
