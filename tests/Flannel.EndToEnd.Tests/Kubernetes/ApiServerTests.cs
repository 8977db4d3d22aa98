using Flannel.Testbed;
using Flannel.Testbed.Kubernetes;

namespace Flannel.EndToEnd.Tests.Kubernetes;

/// <summary>An API server that is unavailable, or has compacted its history.</summary>
[Trait(KubePrograms.TraitName, KubePrograms.TraitValue)]
public sealed class ApiServerTests(KubeClusterPool pool) : KubernetesTest(pool)
{
    [Fact]
    public async Task Nodes_keep_their_network_while_the_API_server_is_away_and_list_again_after_its_restart()
    {
        string[] arguments = [.. QuickResync, "-v=1"];
        var nodes = await Task.WhenAll(StartReadyAsync(0, arguments), StartReadyAsync(1, arguments));
        var (first, second) = (nodes[0], nodes[1]);
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

    [Fact]
    public async Task A_controller_whose_watch_has_expired_lists_again_and_sees_the_change_that_it_missed()
    {
        var name = Cluster.NameOf(1);
        await Admin.CreateNodeAsync(LeasedNode(1), Cancel);
        var node = await Admin.NodeAsync(name, Cancel);
        await Admin.DeleteNodeAsync(name, Cancel);
        var daemon = await StartReadyAsync(0, [.. QuickResync, "-v=1"]);
        await WaitForRepairAsync(0);

        await Cluster.Server.ForgetChangesAsync($"/registry/minions/{name}", node.ToJsonString(), Cancel);

        await daemon.WaitForLogAsync("is too old for the API server; listing the nodes again", Cancel, LongLimit);
        await WaitForRouteAsync(SubnetOf(1), 1);
        // A new term would have listed the Nodes anyway.
        Assert.DoesNotContain("election lost", daemon.StandardError, StringComparison.Ordinal);
    }
}
