namespace Flannel.EndToEnd.Tests;

public sealed class RestartTests : EndToEndTest
{
    [Fact]
    public async Task A_restarted_node_finds_its_subnet_without_one_call_to_the_clouds_api()
    {
        await StartVpcAsync(2);
        await StartReadyAsync(0);
        // Only a node that is never the controller can be told from the controller's own calls.
        var first = await StartReadyAsync(1, "--route-controller=never");
        var lease = await LeaseAsync(1);
        Assert.Equal(0, await first.StopAsync(Cancel));
        await Vpc.Control.ForgetCallsAsync(Cancel);

        await StartReadyAsync(1, "--route-controller=never");

        var again = await LeaseAsync(1);
        Assert.Equal((lease!.Key, lease.LeaseId, lease.ModRevision), (again!.Key, again.LeaseId, again.ModRevision));
        Assert.DoesNotContain(await Vpc.Control.ApiCallsAsync(Cancel), call => call.InstanceId == Vpc.Instances[1].InstanceId);
    }

    [Fact]
    public async Task A_node_with_a_route_restarts_while_the_clouds_api_is_down()
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
    public async Task A_killed_node_finds_its_subnet_again()
    {
        await StartVpcAsync(1);
        var first = await StartReadyAsync(0);
        var lease = await LeaseAsync(0);
        await first.KillAsync(Cancel);

        await StartReadyAsync(0);

        Assert.Equal(lease!.Key, (await LeaseAsync(0))!.Key);
    }

    [Fact]
    public async Task The_lease_of_upstreams_flannel_on_this_host_is_taken_over()
    {
        await StartVpcAsync(1);
        // As flannel v0.19.2 leaves it in etcd: no BackendData.
        var leaseId = await Vpc.Etcd.Keys.GrantAsync(TimeSpan.FromHours(24), Cancel);
        await Vpc.Etcd.Keys.PutAsync($"{SubnetPrefix}10.24.77.0-24", $$"""{"PublicIP":"{{Vpc.Instances[0].PublicIp}}","PublicIPv6":null,"BackendType":"ali-vpc"}""", Cancel, leaseId);

        await StartReadyAsync(0);

        Assert.Equal("10.24.77.0/24", await SubnetAsync(0));
        await WaitForRouteAsync("10.24.77.0/24", 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Told_to_stop_it_says_so_ends_quickly_and_keeps_lease_route_and_file(bool byCtrlC)
    {
        await StartVpcAsync(1);
        var daemon = await StartReadyAsync(0);
        var lease = await LeaseAsync(0);

        Assert.Equal(0, byCtrlC ? await daemon.InterruptAsync(Cancel) : await daemon.StopAsync(Cancel));

        Assert.NotNull(daemon.Notify.First("STOPPING=1"));
        Assert.Equal(lease!.LeaseId, (await LeaseAsync(0))!.LeaseId);
        Assert.NotNull(await RouteAsync(SubnetOf(lease)));
        Assert.NotNull(await Vpc.Instances[0].ReadSubnetFileAsync(Cancel));
    }
}
