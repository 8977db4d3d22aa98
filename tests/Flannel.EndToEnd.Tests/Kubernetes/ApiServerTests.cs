using Flannel.Testbed;
using Flannel.Testbed.Kubernetes;

namespace Flannel.EndToEnd.Tests.Kubernetes;

/// <summary>An API server that is unavailable, and missing permissions.</summary>
[Trait(KubePrograms.TraitName, KubePrograms.TraitValue)]
public sealed class ApiServerTests(SharedKubeCluster shared) : KubernetesTest(shared)
{
    [Fact]
    public async Task Nodes_keep_their_network_while_the_API_server_is_away_and_list_again_after_its_restart()
    {
        string[] arguments = [.. QuickResync, "-v=1"];
        var first = await StartReadyAsync(0, arguments);
        var second = await StartReadyAsync(1, arguments);
        await using var one = await Container.StartAsync(Vpc.Instances[0], Cancel);
        await using var two = await Container.StartAsync(Vpc.Instances[1], Cancel);
        await one.WaitForPingAsync(two.Address, Cancel);
        var routes = await Vpc.Control.CustomRoutesAsync(Cancel);

        await Cluster.Server.KillAsync(Cancel);
        try
        {
            await first.WaitForLogAsync("requests to the Kubernetes API fail", Cancel, LongLimit);
            await second.WaitForLogAsync("requests to the Kubernetes API fail", Cancel, LongLimit);
            // Longer than the term of a controller that cannot renew it.
            await Eventually.IsAsync(
                "the election is lost",
                () => Task.FromResult(Vpc.Instances.Take(2).Any(instance =>
                    instance.Daemon!.StandardError.Contains("election lost", StringComparison.Ordinal))),
                Cancel, LongLimit, DescribeDaemons);
            Assert.Equal(1, (await one.PingAsync(two.Address, Cancel)).Received);
            Assert.True(File.Exists(Vpc.Instances[0].SubnetFile) && File.Exists(Vpc.Instances[1].SubnetFile));
        }
        finally
        {
            await Cluster.Server.StartAgainAsync(Cancel);
        }

        await StartReadyAsync(2, arguments);
        await WaitForRouteAsync(SubnetOf(2), 2);
        await first.WaitForLogAsync("the Kubernetes API is available again", Cancel, LongLimit);
        await using var three = await Container.StartAsync(Vpc.Instances[2], Cancel);
        await three.WaitForPingAsync(one.Address, Cancel);
        Assert.Equal(routes, (await Vpc.Control.CustomRoutesAsync(Cancel)).Where(entry => entry.DestinationCidrBlock != SubnetOf(2)));
        Assert.False(first.HasExited || second.HasExited);
        Assert.DoesNotContain(await WritesAsync(), call => call.Action.StartsWith("Delete", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("nodes", "get")]
    [InlineData("nodes", "list")]
    [InlineData("nodes", "watch")]
    [InlineData("nodes/status", "patch")]
    public async Task A_missing_permission_of_the_cluster_is_named_and_used_once_it_is_granted(string resource, string verb)
    {
        await Cluster.DenyAsync(resource, verb, Cancel);
        await AssertRecoveryAsync(resource, verb);
    }

    [Theory]
    [InlineData("flannel/flanneld", "leases", "get")]
    [InlineData("flannel/flanneld", "leases", "create")]
    [InlineData("flannel/flanneld", "leases", "update")]
    public async Task A_missing_permission_of_the_election_is_named_and_used_once_it_is_granted(string role, string resource, string verb)
    {
        await Cluster.DenyInNamespaceAsync(role, resource, verb, Cancel);
        await AssertRecoveryAsync(resource, verb);
    }

    [Fact]
    public async Task Without_the_permission_for_Events_routes_are_created_and_the_permission_is_named()
    {
        await Cluster.DenyInNamespaceAsync("default/flanneld-events", "events", "create", Cancel);
        await WaitForDenialAsync();
        var daemon = await StartReadyAsync(0);
        await WaitForRouteAsync(SubnetOf(0), 0);
        await Eventually.IsAsync(
            "the permission is named", () => Task.FromResult(LinesWith(daemon, "events", "create").Count > 0), Cancel, LongLimit,
            DescribeDaemons);
        Assert.Single(LinesWith(daemon, "events", "create"));

        // Permissions of a role change within a second.
        Task WaitForDenialAsync() => Task.Delay(TimeSpan.FromSeconds(1), Cancel);
    }

    private async Task AssertRecoveryAsync(string resource, string verb)
    {
        await Cluster.CreateNodeAsync(0, Cancel, SubnetOf(0));
        await Task.Delay(TimeSpan.FromSeconds(1), Cancel);
        var daemon = await Vpc.Instances[0].StartDaemonAsync(QuickResync);
        await Eventually.IsAsync(
            $"the log names {verb} and {resource}", () => Task.FromResult(LinesWith(daemon, resource, verb).Count > 0), Cancel, LongLimit,
            DescribeDaemons);
        // Each part that needs the permission says so once.
        await Task.Delay(TimeSpan.FromSeconds(4), Cancel);
        Assert.False(daemon.HasExited, daemon.AllOutput);
        Assert.InRange(LinesWith(daemon, resource, verb).Count, 1, 2);

        await Cluster.RestoreAsync(Cancel);
        await daemon.WaitForReadyAsync(Cancel, LongLimit);
        await WaitForRepairAsync(0);
    }

    private static List<string> LinesWith(DaemonProcess daemon, string resource, string verb) =>
    [
        .. daemon.StandardError.Split('\n').Where(line => line.Contains($"\"{resource}\"", StringComparison.Ordinal)
            || line.Contains(resource, StringComparison.Ordinal)).Where(line => line.Contains(verb, StringComparison.Ordinal)
                && (line.Contains("forbidden", StringComparison.OrdinalIgnoreCase)
                    || line.Contains("permission", StringComparison.Ordinal))),
    ];
}
