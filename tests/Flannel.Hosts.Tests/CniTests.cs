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
    [InlineData(ConflistKind.Upstream, false)]
    [InlineData(ConflistKind.Upstream, true)]
    [InlineData(ConflistKind.FlannelPlugin, false)]
    [InlineData(ConflistKind.FlannelPlugin, true)]
    [InlineData(ConflistKind.Generated, false)]
    [InlineData(ConflistKind.Generated, true, Traits = [HostTraits.Quick, "true"])]
    public async Task Pods_of_two_nodes_talk(ConflistKind kind, bool flanneldMasquerades)
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

        var pods = new List<Workload>();
        var added = new List<JsonNode>();
        foreach (var node in new[] { first, second })
        {
            await node.Machine.RunAsync(Cancel, "ip", "netns", "add", Id);
            var runtime = await CreateRuntimeAsync(node, kind);
            added.Add(await runtime.AddAsync(Id, CniNode.HostPort, Cancel));
            pods.Add(await node.StartServerAsync(Id, AddressIn(added[^1])));
        }

        var nodes = Vpc.Instances.Select(instance => instance.Facts.PrivateIp).ToList();
        // The plugin masquerades unless the conflist or subnet.env says no; flanneld leaves the network's own traffic alone.
        var pluginMasquerades = kind == ConflistKind.Upstream && !flanneldMasquerades;
        Assert.Equal(pluginMasquerades ? nodes[0] : pods[0].Address, await pods[0].SourceAtAsync(pods[1].Address, Cancel));
        var masqueraded = pluginMasquerades || flanneldMasquerades;
        Assert.Equal(masqueraded ? nodes[0] : pods[0].Address, await pods[0].SourceAtAsync(host.Address, Cancel));
        Assert.Equal(masqueraded ? nodes[0] : Workload.NoAnswer, await pods[0].SourceAtAsync(outside.Address, Cancel));
        Assert.Equal(host.Address, await host.SourceAtAsync(pods[1].Address, Cancel));
        Assert.Equal(host.Address, await host.SourceAtAsync(nodes[1], Cancel, CniNode.HostPort));

        await (await CreateRuntimeAsync(second, kind)).DeleteAsync(Id, CniNode.HostPort, added[1], Cancel);
        Assert.Equal(Workload.NoAnswer, await host.SourceAtAsync(nodes[1], Cancel, CniNode.HostPort));
        Assert.DoesNotContain(pods[1].Address, await second.Machine.RunAsync(Cancel, "iptables-save"), StringComparison.Ordinal);
        Assert.DoesNotContain("eth0", await second.Machine.RunAsync(Cancel, "ip", "-n", Id, "link"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ConflistKind.FlannelPlugin)]
    [InlineData(ConflistKind.Generated)]
    public async Task Without_subnet_env_the_plugin_fails_and_names_the_file(ConflistKind kind)
    {
        await HostPrograms.RequireAsync("cni");
        await StartVpcAsync(1);
        await using var node = await StartNodeAsync(0, flanneldMasquerades: false);
        await node.Machine.RunAsync(Cancel, "ip", "netns", "add", Id);
        await node.Instance.Daemon!.KillAsync(Cancel);
        File.Delete(node.Instance.SubnetFile);
        var runtime = await CreateRuntimeAsync(node, kind);
        var failed = await Assert.ThrowsAsync<TestbedException>(() => runtime.AddAsync(Id, CniNode.HostPort, Cancel));
        Assert.Contains("/run/flannel/subnet.env: no such file", failed.Message, StringComparison.Ordinal);
        // No address is left reserved.
        Assert.DoesNotContain("10.24.", await ReservedAsync(node), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pods_of_upstreams_conflist_keep_their_addresses_and_are_deleted_with_the_generated_one()
    {
        await HostPrograms.RequireAsync("cni");
        await StartVpcAsync(1);
        await using var node = await StartNodeAsync(0, flanneldMasquerades: true);
        foreach (var id in new[] { "old", "new" }) await node.Machine.RunAsync(Cancel, "ip", "netns", "add", id);
        var upstream = await CreateRuntimeAsync(node, ConflistKind.Upstream);
        var generated = await CreateRuntimeAsync(node, ConflistKind.Generated);
        var old = await upstream.AddAsync("old", CniNode.HostPort, Cancel);
        var added = await generated.AddAsync("new", CniNode.HostPort + 1, Cancel);
        Assert.NotEqual(AddressIn(old), AddressIn(added));

        await generated.DeleteAsync("old", CniNode.HostPort, old, Cancel);
        Assert.DoesNotContain(AddressIn(old), await ReservedAsync(node), StringComparison.Ordinal);
        Assert.DoesNotContain(AddressIn(old), await node.Machine.RunAsync(Cancel, "iptables-save"), StringComparison.Ordinal);
        Assert.DoesNotContain("eth0", await node.Machine.RunAsync(Cancel, "ip", "-n", "old", "link"), StringComparison.Ordinal);

        // The way back: the flannel plugin does not know the pod, and its address stays reserved.
        await upstream.DeleteAsync("new", CniNode.HostPort + 1, added, Cancel);
        Assert.Contains(AddressIn(added), await ReservedAsync(node), StringComparison.Ordinal);
    }

    private static async Task<CniRuntime> CreateRuntimeAsync(CniNode node, ConflistKind kind) =>
        new(node.Machine, await node.ReadConflistAsync(kind, Cancel));

    /// <summary>The files of host-local, one for each address.</summary>
    private static Task<string> ReservedAsync(CniNode node) =>
        node.Machine.RunAsync(Cancel, "/bin/sh", "-c", "ls /var/lib/cni/networks/cbr0 2>&1 || true");

    private Task<CniNode> StartNodeAsync(int index, bool flanneldMasquerades) =>
        CniNode.StartAsync(Vpc.Instances[index], flanneldMasquerades, [HostPrograms.Common], Cancel);

    /// <summary>The address in the result of a plugin.</summary>
    private static string AddressIn(JsonNode result) => result["ips"]![0]!["address"]!.GetValue<string>().Split('/')[0];
}
