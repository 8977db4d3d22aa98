using Flannel.Testbed.Kubernetes;

namespace Flannel.EndToEnd.Tests.Kubernetes;

/// <summary>A route controller that ends or hangs while there is no standby.</summary>
[Trait(KubePrograms.TraitName, KubePrograms.TraitValue)]
public sealed class FailoverTests(KubeClusterPool pool) : KubernetesTest(pool)
{
    [Fact]
    public async Task After_a_kill_of_the_controller_another_node_is_elected_and_creates_routes()
    {
        await Task.WhenAll(StartReadyAsync(0, QuickResync), StartReadyAsync(1, QuickResync));
        var old = await WaitForControllerAsync();

        await old.Daemon!.KillAsync(Cancel);
        // A node that starts reads the Lease at once, and an observer every 30 s.
        await StartReadyAsync(2, QuickResync);
        var next = await WaitForControllerAsync(instance => instance != old);

        await WaitForRepairAsync(2);
        Assert.Equal([old.InstanceId, next.InstanceId], await WritersAsync());
    }

    [Fact]
    public async Task A_suspended_controller_is_replaced_and_writes_no_route_after_it_has_lost_its_term()
    {
        var first = await StartReadyAsync(0, QuickResync);
        first.Pause();
        // Its lease ends during the wait, and it is elected: no other node can create its route.
        var second = await StartReadyAsync(1, QuickResync);
        Assert.Equal(Vpc.Instances[1], await WaitForControllerAsync());
        await WaitForRepairAsync(0);

        second.Pause();
        first.Resume();
        await first.WaitForLogAsync("election lost", Cancel);
        // Now there is something to do, and the second one does not do it.
        var route = await WaitForRouteAsync(SubnetOf(0), 0);
        await Vpc.Control.DeleteRouteAsync(route.RouteEntryId, Cancel);
        // A term would have read the route table twice.
        await Task.Delay(TimeSpan.FromSeconds(2), Cancel);
        Assert.Null(await RouteAsync(SubnetOf(0)));
        second.Resume();

        await WaitForRouteAsync(SubnetOf(0), 0);
        Assert.Equal([Vpc.Instances[0].InstanceId, Vpc.Instances[1].InstanceId], await WritersAsync());
        Assert.Equal(Vpc.Instances[1], await WaitForControllerAsync());
        Assert.False(first.HasExited || second.HasExited);
    }
}
