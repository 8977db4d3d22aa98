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
}
