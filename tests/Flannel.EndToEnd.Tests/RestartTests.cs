using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

public sealed class RestartTests : EndToEndTest
{
    [Fact]
    public async Task A_restarted_node_keeps_its_subnet_without_an_API_call()
    {
        await StartVpcAsync(2);
        await StartReadyAsync(0);
        // The calls of a node that is never the controller can be distinguished from those of the controller.
        var first = await StartReadyAsync(1, "--route-controller=never");
        var lease = await LeaseAsync(1);
        Assert.Equal(0, await first.StopAsync(Cancel));
        await Vpc.Control.ClearCallsAsync(Cancel);

        await StartReadyAsync(1, "--route-controller=never");

        var again = await LeaseAsync(1);
        Assert.Equal((lease!.Key, lease.LeaseId, lease.ModRevision), (again!.Key, again.LeaseId, again.ModRevision));
        Assert.DoesNotContain(await Vpc.Control.ApiCallsAsync(Cancel), call => call.InstanceId == Vpc.Instances[1].InstanceId);
    }

    [Fact]
    public async Task A_node_with_a_route_restarts_while_the_API_is_down()
    {
        await StartVpcAsync(1);
        var first = await StartReadyAsync(0);
        var lease = await LeaseAsync(0);
        Assert.Equal(0, await first.StopAsync(Cancel));
        await Vpc.Control.StopApiAsync(Cancel);

        await StartReadyAsync(0);

        Assert.Equal(lease!.Key, (await LeaseAsync(0))!.Key);
    }

    [Fact]
    public async Task A_killed_node_keeps_its_subnet()
    {
        await StartVpcAsync(1);
        var first = await StartReadyAsync(0);
        var lease = await LeaseAsync(0);
        await first.KillAsync(Cancel);

        await StartReadyAsync(0);

        Assert.Equal(lease!.Key, (await LeaseAsync(0))!.Key);
    }

    [Fact]
    public async Task A_lease_of_upstream_flannel_on_the_same_host_is_taken_over()
    {
        await StartVpcAsync(1);
        var leaseId = await Vpc.Etcd.Keys.GrantAsync(TimeSpan.FromHours(24), Cancel);
        var value = TestVpc.UpstreamLease(Vpc.Instances[0].PublicIp);
        await Vpc.Etcd.Keys.PutAsync($"{SubnetPrefix}10.24.77.0-24", value, Cancel, leaseId);

        await StartReadyAsync(0);

        Assert.Equal("10.24.77.0/24", await SubnetAsync(0));
        await WaitForRouteAsync("10.24.77.0/24", 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stopped_daemon_sends_STOPPING_and_keeps_lease_route_and_subnet_file(bool byCtrlC)
    {
        await StartVpcAsync(1);
        var daemon = await StartReadyAsync(0);
        var lease = await LeaseAsync(0);

        Assert.Equal(0, byCtrlC ? await daemon.InterruptAsync(Cancel) : await daemon.StopAsync(Cancel));

        await daemon.Notify.WaitForAsync("STOPPING=1", Cancel);
        Assert.Equal(lease!.LeaseId, (await LeaseAsync(0))!.LeaseId);
        Assert.NotNull(await RouteAsync(SubnetOf(lease)));
        Assert.NotNull(await Vpc.Instances[0].ReadSubnetFileAsync(Cancel));
    }
}
