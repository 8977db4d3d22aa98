using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>docs/migration.md: from flannel v0.19.2 and back, node by node, while all containers ping each other.</summary>
public sealed class MigrationTests : EndToEndTest
{
    private const int Nodes = 3;

    private readonly List<Container> containers = [];
    private readonly string[] subnets = new string[Nodes];
    private IReadOnlyList<RouteEntry> entries = [];

    [Fact]
    public async Task A_cluster_moves_from_v0_19_2_and_back_node_by_node_without_a_lost_packet()
    {
        await Require.NamespacesAsync();
        await StartVpcAsync(
            Nodes, new CloudSetup { Instances = CloudSetup.MakeInstances(Nodes), SourceDestCheck = false });
        await StartOldClusterAsync();
        try
        {
            await using var pings = await ContainerPings.StartAsync(containers, Cancel);
            await ReplaceEachNodeAsync();
            await WaitForMarksAsync();
            await GoBackOnEachNodeAsync();
            await AssertOnlyOwnKeysRemainAsync();
            await pings.AssertNothingLostAsync(Cancel);
            await AssertReleaseDeletesTheEntryAsync();
        }
        finally
        {
            foreach (var container in containers) await container.DisposeAsync();
        }
    }

    private async Task StartOldClusterAsync()
    {
        for (var node = 0; node < Nodes; node++)
        {
            subnets[node] = await LegacyDaemon.StartAsync(Vpc, Vpc.Instances[node], $"10.24.{40 + node}.0/24", Cancel);
            containers.Add(await Container.StartAsync(Vpc.Instances[node], Cancel));
        }
        entries = await Vpc.Control.CustomRoutesAsync(Cancel);
        Assert.Equal(Nodes, entries.Count);
        Assert.All(entries, entry => Assert.Equal(("", ""), (entry.RouteEntryName ?? "", entry.Description ?? "")));
    }

    private async Task ReplaceEachNodeAsync()
    {
        for (var node = 0; node < Nodes; node++)
        {
            var file = await File.ReadAllTextAsync(Vpc.Instances[node].SubnetFile, Cancel);
            await StartReadyAsync(node, QuickResync);
            Assert.Equal(file, await File.ReadAllTextAsync(Vpc.Instances[node].SubnetFile, Cancel));
            await WaitForPassAsync();
            await AssertSubnetsAndEntriesStayAsync();
        }
    }

    /// <summary>The entries of the old daemon have no mark.</summary>
    private Task WaitForMarksAsync() => Eventually.IsAsync(
        "all entries are marked",
        async () => (await Vpc.Control.CustomRoutesAsync(Cancel)).All(
            entry => entry is { Status: "Available", RouteEntryName: { } name } && name.StartsWith("flannel-", StringComparison.Ordinal)),
        Cancel);

    private async Task GoBackOnEachNodeAsync()
    {
        for (var node = 0; node < Nodes; node++)
        {
            await Vpc.Instances[node].Daemon!.StopAsync(Cancel);
            Assert.Equal(subnets[node], await LegacyDaemon.StartAsync(Vpc, Vpc.Instances[node], "10.24.99.0/24", Cancel));
            if (node + 1 < Nodes) await WaitForPassAsync();
            await AssertSubnetsAndEntriesStayAsync();
        }
    }

    /// <summary>What this daemon leaves in etcd is below ali-vpc/, where the old daemon reads nothing.</summary>
    private async Task AssertOnlyOwnKeysRemainAsync()
    {
        string[] former = [SubnetPrefix, $"{TestVpc.Prefix}/config"];
        var keys = await Vpc.Etcd.Keys.ListAsync($"{TestVpc.Prefix}/", Cancel);
        Assert.All(keys.Where(key => !former.Any(prefix => key.Key.StartsWith(prefix, StringComparison.Ordinal))),
            key => Assert.StartsWith($"{TestVpc.Prefix}/ali-vpc/", key.Key));
        await Vpc.Etcd.ControlAsync(Cancel, "del", "--prefix", $"{TestVpc.Prefix}/ali-vpc/");
    }

    /// <summary>After a second move, with a new id of the cluster.</summary>
    private async Task AssertReleaseDeletesTheEntryAsync()
    {
        var leaving = await StartReadyAsync(0, QuickResync);
        await StartReadyAsync(1, QuickResync);
        await AssertSubnetsAndEntriesStayAsync();
        await leaving.StopAsync(Cancel);
        var release = await Vpc.Instances[0].RunCommandAsync("release", Cancel);
        Assert.True(release.ExitCode == 0, release.Output + release.Error);
        Assert.Null(await RouteAsync(subnets[0]));
    }

    /// <summary>Waits until a running route controller has read the entries twice.</summary>
    private async Task WaitForPassAsync()
    {
        await WaitForControllerAsync(instance => instance.Daemon is { HasExited: false });
        var before = (await Vpc.Control.ApiCallsAsync(Cancel)).Count(IsReadOfEntries);
        await Eventually.IsAsync(
            "the entries were read twice",
            async () => (await Vpc.Control.ApiCallsAsync(Cancel)).Count(IsReadOfEntries) >= before + 2, Cancel);
    }

    private static bool IsReadOfEntries(CloudCall call) => call.Action == "DescribeRouteEntryList";

    private async Task AssertSubnetsAndEntriesStayAsync()
    {
        for (var node = 0; node < Nodes; node++) Assert.Equal(subnets[node], await SubnetAsync(node));
        Assert.Equal(entries.Select(WithoutMark), (await Vpc.Control.CustomRoutesAsync(Cancel)).Select(WithoutMark));
        var writes = (await Vpc.Control.ApiCallsAsync(Cancel)).Where(call => call.Action.Contains("RouteEntr", StringComparison.Ordinal)
            && !call.Action.StartsWith("Describe", StringComparison.Ordinal));
        Assert.All(writes, write => Assert.Equal("ModifyRouteEntry", write.Action));
        Assert.DoesNotContain(writes, write => write.Parameters!.ContainsKey("NewNextHopId"));
    }

    private static RouteEntry WithoutMark(RouteEntry entry) => entry with { RouteEntryName = null, Description = null, Status = "" };
}
