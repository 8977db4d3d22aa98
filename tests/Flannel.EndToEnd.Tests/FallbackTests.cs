using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>Backend ali-vpc with the fallback vxlan: nodes in network namespaces, the simulated cloud and its router, a real etcd, a real
/// kernel.</summary>
public sealed class FallbackTests : EndToEndTest
{
    private const string Device = "flannel.1";
    private const string Fallback =
        "{\"Network\":\"" + TestVpc.Network + "\",\"Backend\":{\"Type\":\"ali-vpc\",\"Fallback\":\"vxlan\"}}";
    private const string Vxlan = "{\"Network\":\"" + TestVpc.Network + "\",\"Backend\":{\"Type\":\"vxlan\"}}";
    private const string OtherCluster = "flannel-00000000000000aa";
    private const string Tunnelled = "; reached through the VXLAN tunnel";

    private readonly List<Container> containers = [];
    private readonly List<DaemonProcess> daemons = [];

    [Fact]
    public async Task More_nodes_than_the_quota_are_ready_and_move_to_the_VPC_without_loss_when_it_grows()
    {
        await StartAsync(4, Fallback, quota: 2);
        await using var running = await StartContainersAsync();
        var routed = await RoutedAsync();
        Assert.Equal(2, routed.Count);
        // The tunnel is used for the pairs of which one node has no route, and for no other.
        foreach (var (from, to) in Pairs()) await WaitForTunnelAsync(from, to, !routed.Contains(from) || !routed.Contains(to));
        await AssertAllTalkAsync();
        for (var instance = 0; instance < 4; instance++)
        {
            var isRouted = routed.Contains(instance);
            Assert.Equal("1450", (await Vpc.Instances[instance].ReadSubnetFileAsync(Cancel))!["FLANNEL_MTU"]);
            var text = await GetAsync(instance, "/readyz?verbose");
            Assert.Equal(isRouted, text.Contains("[+]route ok: Available in", StringComparison.Ordinal));
            Assert.Equal(!isRouted, text.Contains("[+]route ok: QuotaExceeded in", StringComparison.Ordinal));
            Assert.Equal(!isRouted, text.Contains(Tunnelled, StringComparison.Ordinal));
            string[] metrics = [$"\nflannel_route_fallback {(isRouted ? 0 : 1)}\n", $"\nflannel_tunnel_peers {(isRouted ? 2 : 3)}\n"];
            await WaitForTextAsync(instance, "/metrics", metrics);
            Assert.DoesNotContain("node[1159]", daemons[instance].StandardError, StringComparison.Ordinal);
        }

        await using var pings = await ContainerPings.StartAsync(containers, Cancel);
        // A node in fallback starts again.
        await RestartAsync(Enumerable.Range(0, 4).First(instance => !routed.Contains(instance)));
        await Vpc.Control.SetSettingsAsync(new { routeEntryQuota = 200 }, Cancel);
        // A full table is tried again after 30 to 60 s; a new term tries it at once.
        await RestartAsync((await WaitForControllerAsync()).Facts.Number - 1);
        for (var instance = 0; instance < 4; instance++) await WaitForRouteAsync(await SubnetAsync(instance), instance);
        foreach (var (from, to) in Pairs()) await WaitForTunnelAsync(from, to, false);
        await pings.AssertNothingLostAsync(Cancel);
        await AssertAllTalkAsync();
        Assert.Equal("", await TunnelRoutesAsync(0));
        await Eventually.IsAsync(
            "the node is ready by its route",
            async () => !(await GetAsync(0, "/readyz?verbose")).Contains(Tunnelled, StringComparison.Ordinal), Cancel);
    }

    [Fact]
    public async Task A_conflict_and_a_missing_permission_are_bypassed_and_nothing_is_lost_when_the_route_comes_back()
    {
        await StartAsync(2, Fallback);
        await using var running = await StartContainersAsync();
        foreach (var (from, to) in Pairs()) await WaitForTunnelAsync(from, to, false);
        await AssertAllTalkAsync();

        // The route of node 1 is lost, and cannot be created again.
        await Vpc.Control.SetRoleAsync(CloudSetup.RoleName, ["vpc:CreateRouteEntry", "vpc:CreateRouteEntries"], Cancel);
        var subnet = await SubnetAsync(1);
        await Vpc.Control.DeleteRouteAsync((await RouteAsync(subnet))!.RouteEntryId, Cancel);
        await daemons[1].WaitForLogAsync($"{subnet} is reached through the VXLAN tunnel: its route is Denied", Cancel);
        foreach (var (from, to) in Pairs()) await WaitForTunnelAsync(from, to, true);
        await AssertAllTalkAsync();
        Assert.True(File.Exists(Vpc.Instances[1].SubnetFile));

        // An entry of another cluster takes its place, and goes.
        await using var pings = await ContainerPings.StartAsync(containers, Cancel);
        await CreateMarkedRouteAsync(subnet, 0, OtherCluster);
        await Vpc.Control.SetRoleAsync(CloudSetup.RoleName, [], Cancel);
        // The missing permission ended the term; a candidate that starts campaigns at once.
        await RestartAsync(0);
        await daemons[1].WaitForLogAsync($"route of {subnet}: Conflict: ", Cancel);
        var entry = await RouteAsync(subnet);
        await Vpc.Control.DeleteRouteAsync(entry!.RouteEntryId, Cancel);
        await WaitForRouteAsync(subnet, 1);
        foreach (var (from, to) in Pairs()) await WaitForTunnelAsync(from, to, false);
        await pings.AssertNothingLostAsync(Cancel);
        await daemons[1].WaitForLogAsync($"{subnet} is no longer reached through the VXLAN tunnel", Cancel);
    }

    [Fact]
    public async Task A_cluster_is_switched_to_vxlan_and_back_node_by_node_without_loss()
    {
        await StartAsync(3, Fallback);
        await using var running = await StartContainersAsync();
        string[] subnets = [await SubnetAsync(0), await SubnetAsync(1), await SubnetAsync(2)];
        await AssertAllTalkAsync();
        await using var pings = await ContainerPings.StartAsync(containers, Cancel);
        foreach (var config in new[] { Vxlan, Fallback })
        {
            var isTunnel = config == Vxlan;
            await Vpc.PublishConfigAsync(Cancel, config);
            for (var instance = 0; instance < 3; instance++)
            {
                await RestartAsync(instance);
                foreach (var (from, to) in Pairs())
                    await WaitForTunnelAsync(from, to, isTunnel ? from <= instance || to <= instance : from > instance || to > instance);
                await AssertAllTalkAsync();
            }
        }

        await pings.AssertNothingLostAsync(Cancel);
        Assert.Equal((subnets[0], subnets[1], subnets[2]), (await SubnetAsync(0), await SubnetAsync(1), await SubnetAsync(2)));
    }

    private async Task StartAsync(int instances, string config, int quota = 200)
    {
        await Require.NamespacesAsync();
        await StartVpcAsync(
            instances, new CloudSetup { Instances = CloudSetup.MakeInstances(instances), RouteEntryQuota = quota }, publishConfig: false);
        await Vpc.PublishConfigAsync(Cancel, config);
        foreach (var instance in Vpc.Instances)
        {
            instance.HasNetAdmin = true;
            // The daemon itself must relax the filter of its device.
            await instance.Namespace!.SetAsync(
                new("ipv4/conf/all/rp_filter", "0"), new("ipv4/conf/eth0/rp_filter", "2"), new("ipv4/conf/default/rp_filter", "1"));
        }

        daemons.AddRange(await Task.WhenAll(Enumerable.Range(0, instances).Select(instance => StartNodeAsync(instance))));
    }

    private Task<DaemonProcess> StartNodeAsync(int instance) =>
        StartReadyAsync(instance, [.. QuickResync, $"--healthz-port={EcsInstance.HealthPort}"]);

    private async Task RestartAsync(int instance)
    {
        await daemons[instance].StopAsync(Cancel);
        daemons[instance] = await StartNodeAsync(instance);
    }

    /// <summary>One container on each node.</summary>
    private async Task<IAsyncDisposable> StartContainersAsync()
    {
        foreach (var instance in Vpc.Instances) containers.Add(await Container.StartAsync(instance, Cancel));
        return new ContainerSet(containers);
    }

    private sealed record ContainerSet(IEnumerable<Container> Containers) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            foreach (var container in Containers) await container.DisposeAsync();
        }
    }

    /// <summary>Indexes of instances.</summary>
    private sealed record Pair(int From, int To);

    private IEnumerable<Pair> Pairs() =>
        from source in Enumerable.Range(0, Vpc.Instances.Count)
        from target in Enumerable.Range(0, Vpc.Instances.Count)
        where source != target
        select new Pair(source, target);

    private async Task AssertAllTalkAsync()
    {
        var results = await Task.WhenAll(Pairs().Select(async pair =>
            (pair, (await containers[pair.From].PingAsync(containers[pair.To].Address, Cancel)).Received)));
        Assert.All(results, result => Assert.Equal((result.pair, 1), result));
    }

    /// <summary>The instances with an entry in the route table.</summary>
    private async Task<HashSet<int>> RoutedAsync()
    {
        var entries = await Vpc.Control.CustomRoutesAsync(Cancel);
        return [.. entries.Select(entry => Vpc.Instances.ToList().FindIndex(instance => instance.InstanceId == entry.NextHopId))];
    }

    private async Task WaitForTunnelAsync(int from, int to, bool expected)
    {
        var subnet = await SubnetAsync(to);
        await Eventually.IsAsync(
            $"node {from} reaches node {to} {(expected ? "through" : "past")} the tunnel",
            async () => (await TunnelRoutesAsync(from)).Contains($"{subnet} ", StringComparison.Ordinal) == expected, Cancel);
    }

    private Task<string> TunnelRoutesAsync(int instance) =>
        Vpc.Instances[instance].Namespace!.IpAsync(Cancel, $"route show dev {Device} proto 142");

    private async Task<string> GetAsync(int instance, string path)
    {
        using var http = Vpc.Instances[instance].CreateHttpClient(EcsInstance.HealthPort);
        using var response = await http.GetAsync(new Uri(path, UriKind.Relative), Cancel);
        return await response.Content.ReadAsStringAsync(Cancel);
    }

    private Task WaitForTextAsync(int instance, string path, IEnumerable<string> texts) => Eventually.IsAsync(
        string.Join(' ', texts), async () =>
        {
            var text = await GetAsync(instance, path);
            return texts.All(each => text.Contains(each, StringComparison.Ordinal));
        }, Cancel);
}
