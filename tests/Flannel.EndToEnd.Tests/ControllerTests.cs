using System.Diagnostics;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

public sealed class ControllerTests : EndToEndTest
{
    [Fact]
    public async Task When_the_controller_is_killed_another_node_takes_over_and_serves_new_nodes()
    {
        await StartVpcAsync(3);
        await StartReadyAsync(0);
        await StartReadyAsync(1);
        var old = await WaitForControllerAsync();

        await old.Daemon!.KillAsync(Cancel);
        await WaitForControllerAsync(instance => instance != old);

        await StartReadyAsync(2);
        await WaitForRouteAsync(await SubnetAsync(2), 2);
    }

    [Fact]
    public async Task A_controller_that_is_told_to_stop_hands_over_before_its_election_could_expire()
    {
        await StartVpcAsync(2);
        await StartReadyAsync(0);
        await StartReadyAsync(1);
        var old = await WaitForControllerAsync();
        var electionLease = (await Vpc.Etcd.Keys.ListAsync($"{TestVpc.Prefix}/ali-vpc/controller", Cancel))[0].LeaseId;
        var expiry = TimeSpan.FromSeconds((await Vpc.Etcd.Keys.TimeToLiveAsync(electionLease, Cancel)).Granted);

        var started = Stopwatch.GetTimestamp();
        Assert.Equal(0, await old.Daemon!.StopAsync(Cancel));
        await WaitForControllerAsync(instance => instance != old);

        var took = Stopwatch.GetElapsedTime(started);
        Assert.True(took < expiry / 2, $"handed over after {took}, the election's lease lives {expiry}");
    }

    [Fact]
    public async Task A_node_that_is_not_the_controller_makes_no_call_to_the_clouds_api()
    {
        await StartVpcAsync(3);
        await StartReadyAsync(0, QuickResync);
        var controller = await WaitForControllerAsync();
        await StartReadyAsync(1, QuickResync);
        await StartReadyAsync(2, QuickResync);
        await Task.Delay(TimeSpan.FromSeconds(3), Cancel);

        var calls = await Vpc.Control.ApiCallsAsync(Cancel);
        Assert.All(calls, call => Assert.Equal(controller.InstanceId, call.InstanceId));
        Assert.Contains(calls, call => call.Action == "CreateRouteEntries");
    }

    [Fact]
    public async Task A_route_that_somebody_deleted_comes_back()
    {
        await StartVpcAsync(1);
        await StartReadyAsync(0, QuickResync);
        var subnet = await SubnetAsync(0);
        var route = await WaitForRouteAsync(subnet, 0);

        await Vpc.Control.DeleteRouteAsync(route.RouteEntryId, Cancel);

        Assert.NotEqual(route.RouteEntryId, (await WaitForRouteAsync(subnet, 0)).RouteEntryId);
    }

    [Fact]
    public async Task A_route_that_somebody_hijacked_is_pointed_back_without_a_hole()
    {
        await StartVpcAsync(2);
        await StartReadyAsync(0, QuickResync);
        var subnet = await SubnetAsync(0);
        var route = await WaitForRouteAsync(subnet, 0);

        await Vpc.Control.HijackRouteAsync(route.RouteEntryId, Vpc.Instances[1].InstanceId, Cancel);

        // The same entry, modified: a deleted and created one would have another id.
        Assert.Equal(route.RouteEntryId, (await WaitForRouteAsync(subnet, 0)).RouteEntryId);
    }

    [Fact]
    public async Task Entries_outside_the_network_and_foreign_ones_inside_it_are_left_alone()
    {
        await StartVpcAsync(2);
        await Vpc.Control.CreateRouteAsync("172.30.0.0/16", Vpc.Instances[1].InstanceId, Cancel, name: "an operator's");
        await Vpc.Control.CreateRouteAsync("10.24.250.0/24", Vpc.Instances[1].InstanceId, Cancel, name: "an operator's too");
        var before = await Vpc.Control.CustomRoutesAsync(Cancel);

        await StartReadyAsync(0, QuickResync);
        // A repair proves that the controller has looked at the whole table since.
        var subnet = await SubnetAsync(0);
        await Vpc.Control.DeleteRouteAsync((await WaitForRouteAsync(subnet, 0)).RouteEntryId, Cancel);
        await WaitForRouteAsync(subnet, 0);

        Assert.Equal(before, (await Vpc.Control.CustomRoutesAsync(Cancel)).Where(entry => entry.DestinationCidrBlock != subnet));
    }

    [Fact]
    public async Task A_role_that_may_not_create_routes_leaves_the_node_waiting_with_the_rights_name_in_log_health_and_metrics()
    {
        await StartVpcAsync(1, new World { Instances = World.MakeInstances(1), DeniedActions = ["vpc:CreateRouteEntry", "vpc:CreateRouteEntries"] });
        var port = Vpc.Instances[0].FreePort();
        var daemon = await Vpc.Instances[0].StartDaemonAsync([.. QuickResync, $"--healthz-port={port}"]);

        // One state and one message, wherever somebody looks: the node's log, its health, its metrics.
        const string word = "Denied: the RAM role lacks vpc:CreateRouteEntry";
        await daemon.WaitForLogAsync(word, Cancel);
        using var http = Vpc.Instances[0].CreateHttpClient(port);
        using var answer = await http.GetAsync(new Uri("/readyz?verbose", UriKind.Relative), Cancel);
        Assert.Contains($"[-]route failed: {word.Replace("Denied:", $"Denied in {World.RouteTableId}:", StringComparison.Ordinal)}", await answer.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        Assert.Contains("\nflannel_route_state{state=\"Denied\"} 1\n", await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), Cancel), StringComparison.Ordinal);
        Assert.False(daemon.IsReady);
        Assert.False(File.Exists(Vpc.Instances[0].SubnetFile));

        await Vpc.Control.SetRoleAsync(World.RoleName, [], Cancel);
        await daemon.WaitForReadyAsync(Cancel, TimeSpan.FromSeconds(90));
    }

    [Fact]
    public async Task A_role_that_is_attached_later_is_found_without_a_restart()
    {
        await StartVpcAsync(1, new World { Instances = World.MakeInstances(1), HasRole = false });
        var daemon = await Vpc.Instances[0].StartDaemonAsync(QuickResync);
        await daemon.WaitForLogAsync("attach a RAM role", Cancel);
        await Vpc.Control.SetRamRoleAsync(Vpc.Instances[0].InstanceId, World.RoleName, Cancel);
        await daemon.WaitForReadyAsync(Cancel);
        await WaitForRouteAsync(await SubnetAsync(0), 0);
        Assert.Contains($"Credentials: RAM role {World.RoleName}", daemon.Everything, StringComparison.Ordinal);
    }
}
