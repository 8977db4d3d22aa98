using System.Diagnostics;
using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

public sealed class ControllerTests : EndToEndTest
{
    [Fact]
    public async Task After_a_kill_of_the_controller_another_node_is_elected_and_creates_routes_of_new_nodes()
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
    public async Task A_stopped_controller_resigns_before_its_election_lease_expires()
    {
        await StartVpcAsync(2);
        await StartReadyAsync(0);
        await StartReadyAsync(1);
        var old = await WaitForControllerAsync();
        var electionLease = (await Vpc.Etcd.Keys.ListAsync($"{TestVpc.Prefix}/ali-vpc/controller", Cancel))[0].LeaseId;
        var expiry = (await Vpc.Etcd.Keys.TimeToLiveAsync(electionLease, Cancel)).Granted;

        var started = Stopwatch.GetTimestamp();
        Assert.Equal(0, await old.Daemon!.StopAsync(Cancel));
        await WaitForControllerAsync(instance => instance != old);

        var took = Stopwatch.GetElapsedTime(started);
        Assert.True(took < expiry / 2,
            $"the next controller was elected after {took}; the lease of the election has a time to live of {expiry}");
    }

    [Fact]
    public async Task The_standby_replaces_a_controller_that_stops()
    {
        await StartVpcAsync(3);
        for (var i = 0; i < 3; i++) await StartReadyAsync(i);
        var old = await WaitForControllerAsync();
        // A node becomes the standby 30 to 60 s after the election.
        var standby = await Eventually.HasAsync("there is a standby", StandbyAsync, Cancel, TimeSpan.FromMinutes(3));
        Assert.NotEqual(old.InstanceId, standby);

        Assert.Equal(0, await old.Daemon!.StopAsync(Cancel));

        var next = await WaitForControllerAsync(instance => instance != old);
        Assert.Equal(standby, next.InstanceId);
        Assert.Null(await StandbyAsync());

        async Task<string?> StandbyAsync() =>
            await Vpc.Etcd.Keys.ListAsync($"{TestVpc.Prefix}/ali-vpc/standby", Cancel) is [var key, ..]
                ? JsonNode.Parse(key.Value)!["InstanceId"]!.GetValue<string>()
                : null;
    }

    [Fact]
    public async Task A_node_that_is_not_the_controller_makes_no_API_call()
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
    public async Task A_deleted_route_is_created_again()
    {
        await StartVpcAsync(1);
        await StartReadyAsync(0, QuickResync);
        var subnet = await SubnetAsync(0);
        var route = await WaitForRouteAsync(subnet, 0);

        await Vpc.Control.DeleteRouteAsync(route.RouteEntryId, Cancel);

        Assert.NotEqual(route.RouteEntryId, (await WaitForRouteAsync(subnet, 0)).RouteEntryId);
    }

    [Fact]
    public async Task A_re_pointed_route_is_updated_in_place()
    {
        await StartVpcAsync(2);
        await StartReadyAsync(0, QuickResync);
        var subnet = await SubnetAsync(0);
        var route = await WaitForRouteAsync(subnet, 0);

        await Vpc.Control.UpdateRouteAsync(route.RouteEntryId, Vpc.Instances[1].InstanceId, Cancel);

        // The entry was modified in place: a deleted and recreated one would have another id.
        Assert.Equal(route.RouteEntryId, (await WaitForRouteAsync(subnet, 0)).RouteEntryId);
    }

    [Fact]
    public async Task Entries_outside_the_network_and_unmanaged_routes_are_not_changed()
    {
        await StartVpcAsync(2);
        // No node leases the subnet of the unmanaged route.
        await Vpc.PublishConfigAsync(
            Cancel, """{"Network":"10.24.0.0/16","SubnetMax":"10.24.249.0","Backend":{"Type":"ali-vpc"}}""");
        await Vpc.Control.CreateRouteAsync("172.30.0.0/16", Vpc.Instances[1].InstanceId, Cancel, name: "of an operator");
        await Vpc.Control.CreateRouteAsync("10.24.250.0/24", Vpc.Instances[1].InstanceId, Cancel, name: "of another operator");
        var before = await Vpc.Control.CustomRoutesAsync(Cancel);

        await StartReadyAsync(0, QuickResync);
        // A repaired route proves that the controller has read the whole table since then.
        var subnet = await SubnetAsync(0);
        await Vpc.Control.DeleteRouteAsync((await WaitForRouteAsync(subnet, 0)).RouteEntryId, Cancel);
        await WaitForRouteAsync(subnet, 0);

        Assert.Equal(before, (await Vpc.Control.CustomRoutesAsync(Cancel)).Where(entry => entry.DestinationCidrBlock != subnet));
    }

    [Fact]
    public async Task A_missing_permission_is_named_in_log_health_and_metrics_and_the_node_waits()
    {
        await StartVpcAsync(1,
            new CloudSetup { Instances = CloudSetup.MakeInstances(1), DeniedActions = ["vpc:CreateRouteEntry", "vpc:CreateRouteEntries"] });
        var port = Vpc.Instances[0].FreePort();
        var daemon = await Vpc.Instances[0].StartDaemonAsync([.. QuickResync, $"--healthz-port={port}"]);

        // The route controller logs the denied call before it publishes the status; the node logs the status after it has applied it.
        const string denial = "missing permission vpc:CreateRouteEntry";
        await Eventually.IsAsync("the node has a lease", async () => await LeaseAsync(0) is not null, Cancel);
        await daemon.WaitForLogAsync($"route of {await SubnetAsync(0)}: Denied: {denial}", Cancel);
        using var http = Vpc.Instances[0].CreateHttpClient(port);
        // Every term of the route controller starts with the state Pending, until its first call is denied.
        await Eventually.IsAsync(
            "health reports the denial",
            async () => (await GetTextAsync(http, "/readyz?verbose"))
                .Contains($"[-]route failed: Denied in {CloudSetup.RouteTableId}: {denial}", StringComparison.Ordinal), Cancel);
        await Eventually.IsAsync(
            "the metrics report the denial",
            async () => (await GetTextAsync(http, "/metrics"))
                .Contains("\nflannel_route_state{state=\"Denied\"} 1\n", StringComparison.Ordinal), Cancel);
        Assert.False(daemon.IsReady);
        Assert.False(File.Exists(Vpc.Instances[0].SubnetFile));

        await Vpc.Control.SetRoleAsync(CloudSetup.RoleName, [], Cancel);
        await daemon.WaitForReadyAsync(Cancel, TimeSpan.FromSeconds(90));
    }

    [Fact]
    public async Task Without_a_route_controller_each_node_says_why_no_node_is_a_candidate()
    {
        await StartVpcAsync(3, new CloudSetup { Instances = CloudSetup.MakeInstances(3), DeniedActions = ["vpc:DescribeRouteEntryList"] });
        var port = Vpc.Instances[0].FreePort();
        var daemon = await Vpc.Instances[0].StartDaemonAsync([$"--healthz-port={port}"]);
        await Vpc.Instances[1].StartDaemonAsync();
        await Vpc.Instances[2].StartDaemonAsync(["--route-controller=never"]);

        const string heading = "[-]route failed: waiting for the route controller: none is elected; 2 nodes are not candidates: ";
        var denied = $"({Vpc.Instances[1].PublicIp}): the key from RAM role {CloudSetup.RoleName}:"
            + " missing permission vpc:DescribeRouteEntryList";
        using var http = Vpc.Instances[0].CreateHttpClient(port);
        await Eventually.IsAsync("the node has a lease", async () => await LeaseAsync(0) is not null, Cancel);
        await Eventually.IsAsync(
            "health names the nodes that are not candidates",
            async () => await GetTextAsync(http, "/readyz?verbose") is var text
                && text.Contains(heading, StringComparison.Ordinal) && text.Contains(denied, StringComparison.Ordinal),
            Cancel, TimeSpan.FromSeconds(120));
        await daemon.WaitForLogAsync("no route controller: none is elected; ", Cancel);
        var status = await Vpc.Instances[2].RunCommandAsync("status", Cancel, "--output=json");
        var candidates = JsonNode.Parse(status.Output)!["candidates"]!.AsArray();
        Assert.Equal(
            new[] { Vpc.Instances[0].InstanceId, Vpc.Instances[1].InstanceId }.Order(StringComparer.Ordinal),
            candidates.Select(node => (string)node!["instanceId"]!));
        Assert.All(candidates, node => Assert.NotEmpty((string)node!["requestId"]!));

        await Vpc.Control.SetRoleAsync(CloudSetup.RoleName, [], Cancel);
        await daemon.WaitForReadyAsync(Cancel, TimeSpan.FromSeconds(90));
        Assert.Empty(await Vpc.Etcd.Keys.ListAsync($"{TestVpc.Prefix}/ali-vpc/candidates/", Cancel));
    }

    [Fact]
    public async Task If_no_node_may_control_routes_health_says_so()
    {
        await StartVpcAsync(1);
        var port = Vpc.Instances[0].FreePort();
        await Vpc.Instances[0].StartDaemonAsync(["--route-controller=never", $"--healthz-port={port}"]);
        using var http = Vpc.Instances[0].CreateHttpClient(port);
        await Eventually.IsAsync("the node has a lease", async () => await LeaseAsync(0) is not null, Cancel);
        await Eventually.IsAsync(
            "health says that none is a candidate",
            async () => (await GetTextAsync(http, "/readyz?verbose")).Contains(
                "none is elected; no node says why: either none has --route-controller=auto", StringComparison.Ordinal), Cancel,
            TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task A_role_that_is_attached_later_is_used_without_a_restart()
    {
        await StartVpcAsync(1, new CloudSetup { Instances = CloudSetup.MakeInstances(1), HasRole = false });
        var daemon = await Vpc.Instances[0].StartDaemonAsync(QuickResync);
        await daemon.WaitForLogAsync("attach a RAM role", Cancel);
        await Vpc.Control.SetRamRoleAsync(Vpc.Instances[0].InstanceId, CloudSetup.RoleName, Cancel);
        await daemon.WaitForReadyAsync(Cancel);
        await WaitForRouteAsync(await SubnetAsync(0), 0);
        await daemon.WaitForLogAsync($"using credentials from RAM role {CloudSetup.RoleName}", Cancel);
    }

    /// <summary>The body of a response of any status.</summary>
    private static async Task<string> GetTextAsync(HttpClient http, string path)
    {
        using var response = await http.GetAsync(new Uri(path, UriKind.Relative), Cancel);
        return await response.Content.ReadAsStringAsync(Cancel);
    }
}
