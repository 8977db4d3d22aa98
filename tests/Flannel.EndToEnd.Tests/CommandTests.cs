using System.Globalization;
using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>The commands release, status, leases, healthcheck and --dry-run.</summary>
public sealed class CommandTests : EndToEndTest
{
    [Fact]
    public async Task Release_deletes_the_lease_and_waits_until_the_route_is_deleted()
    {
        await StartVpcAsync(2);
        await StartReadyAsync(0);
        await WaitForControllerAsync();
        var leaving = await StartReadyAsync(1, "--route-controller=never");
        var (staying, subnet) = (await SubnetAsync(0), await SubnetAsync(1));
        Assert.Equal(0, await leaving.StopAsync(Cancel));

        var first = await Vpc.Instances[1].RunCommandAsync("release", Cancel);

        Assert.Equal(0, first.ExitCode);
        var wait = $"waiting up to 60 s until the route of {subnet} is deleted by the route controller {Vpc.Instances[0].InstanceId}\n";
        Assert.Equal($"{wait}{subnet} is released\n", first.Output);
        AssertOnlyHttpWarnings(first.Error);
        Assert.Null(await LeaseAsync(1));
        // The controller reports the deletion once the listing does not contain the route.
        Assert.Null(await RouteAsync(subnet));
        Assert.Null(await Vpc.Instances[1].ReadSubnetFileAsync(Cancel));
        Assert.NotNull(await RouteAsync(staying));
        var again = await Vpc.Instances[1].RunCommandAsync("release", Cancel);
        Assert.Equal(0, again.ExitCode);
        Assert.Contains("nothing to release", again.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Release_without_a_route_controller_names_the_remaining_route()
    {
        await StartVpcAsync(1);
        var daemon = await StartReadyAsync(0);
        var subnet = await SubnetAsync(0);
        Assert.Equal(0, await daemon.StopAsync(Cancel));

        var result = await Vpc.Instances[0].RunCommandAsync("release", Cancel, "--wait=1");

        Assert.Equal(1, result.ExitCode);
        var wait = $"waiting up to 1 s until the route of {subnet} is deleted by a route controller: none is elected now\n";
        Assert.Contains(wait, result.Output, StringComparison.Ordinal);
        var left = $"the route of {subnet} may still exist after 1 s (no route controller is elected)";
        Assert.Contains(left, result.Error, StringComparison.Ordinal);
        Assert.Null(await LeaseAsync(0));
        Assert.NotNull(await RouteAsync(subnet));
        Assert.Null(await Vpc.Instances[0].ReadSubnetFileAsync(Cancel));
    }

    /// <summary>An operator or the time limit of a scale-in hook interrupts it. The controller deletes the route of a lease that is
    /// marked as released, so the file must not remain.</summary>
    [Theory]
    [InlineData("SIGTERM")]
    [InlineData("SIGINT")]
    public async Task An_interrupted_release_leaves_no_subnet_file(string signal)
    {
        await StartVpcAsync(1);
        var daemon = await StartReadyAsync(0);
        Assert.Equal(0, await daemon.StopAsync(Cancel));
        Assert.NotNull(await Vpc.Instances[0].ReadSubnetFileAsync(Cancel));
        await using var release = await Vpc.Instances[0].StartCommandAsync("release", "--wait=60");
        await Eventually.IsAsync(
            "the lease is marked as released",
            async () => (await LeaseAsync(0))!.Value.Contains("\"Released\":true", StringComparison.Ordinal),
            Cancel);
        Assert.False(release.HasExited);

        Assert.True(signal == "SIGTERM" ? release.Terminate() : release.Interrupt());

        Assert.NotEqual(0, await release.WaitForExitAsync(Cancel));
        Assert.Null(await Vpc.Instances[0].ReadSubnetFileAsync(Cancel));
        Assert.NotNull(await LeaseAsync(0));
    }

    [Fact]
    public async Task Release_deletes_all_leases_of_the_node_and_keeps_a_reservation()
    {
        await StartVpcAsync(1);
        var daemon = await StartReadyAsync(0);
        var lease = await LeaseAsync(0);
        Assert.Equal(0, await daemon.StopAsync(Cancel));
        // A reservation and an older lease of this node. Both name the instance, so that release waits for their routes.
        await Vpc.Etcd.Keys.PutAsync($"{SubnetPrefix}10.24.0.0-24", lease!.Value, Cancel);
        var older = await Vpc.Etcd.Keys.GrantAsync(TimeSpan.FromHours(24), Cancel);
        var olderSubnet = FreeSubnets(SubnetOf(lease))[0];
        await Vpc.Etcd.Keys.PutAsync(SubnetPrefix + KeyOf(olderSubnet), lease.Value, Cancel, older);

        var result = await Vpc.Instances[0].RunCommandAsync("release", Cancel, "--wait=0");

        Assert.Equal(1, result.ExitCode);
        var left = Assert.Single(await Vpc.LeasesAsync(Cancel));
        Assert.Equal($"{SubnetPrefix}10.24.0.0-24", left.Key);
        Assert.Contains($"{SubnetOf(lease)} is released\n", result.Output, StringComparison.Ordinal);
        Assert.Contains($"{olderSubnet} is released\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("10.24.0.0/24 is a reservation and is kept", result.Output, StringComparison.Ordinal);
        foreach (var subnet in new[] { SubnetOf(lease), "10.24.0.0/24", olderSubnet })
            Assert.Contains($"the route of {subnet} may still exist", result.Error, StringComparison.Ordinal);
        Assert.Null(await Vpc.Instances[0].ReadSubnetFileAsync(Cancel));
    }

    [Fact]
    public async Task The_lease_of_another_instance_with_the_same_address_is_not_released()
    {
        await StartVpcAsync(2);
        var daemon = await StartReadyAsync(0);
        var lease = await LeaseAsync(0);

        var result = await Vpc.Instances[1].RunCommandAsync("release", Cancel, WithAddressOf(0, 1));

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("nothing to release", result.Output, StringComparison.Ordinal);
        Assert.Equal(lease, await LeaseAsync(0));
        Assert.False(daemon.HasExited);
    }

    [Fact]
    public async Task A_forced_release_ends_the_running_daemon()
    {
        await StartVpcAsync(2);
        await StartReadyAsync(0);
        await WaitForControllerAsync();
        var leaving = await StartReadyAsync(1, "--route-controller=never");
        var subnet = await SubnetAsync(1);

        var result = await Vpc.Instances[1].RunCommandAsync("release", Cancel, "--force", "--wait=60");

        Assert.Equal(0, result.ExitCode);
        Assert.Equal(1, await leaving.WaitForExitAsync(Cancel));
        Assert.Contains($"subnet {subnet} is lost", leaving.StandardError, StringComparison.Ordinal);
        InternalErrorAssert.None(leaving.StandardError);
        Assert.Null(await LeaseAsync(1));
        Assert.Null(await RouteAsync(subnet));
        Assert.Null(await Vpc.Instances[1].ReadSubnetFileAsync(Cancel));
    }

    /// <summary>As with <c>kubectl delete --force</c>: for a node that must leave although nothing responds.</summary>
    [Fact]
    public async Task A_forced_release_does_not_wait_for_a_route_controller()
    {
        await StartVpcAsync(1);
        var daemon = await StartReadyAsync(0);
        var subnet = await SubnetAsync(0);
        Assert.Equal(0, await daemon.StopAsync(Cancel));

        var result = await Vpc.Instances[0].RunCommandAsync("release", Cancel, "--force");

        Assert.Equal(0, result.ExitCode);
        Assert.Equal(
            $"not waiting until the route of {subnet} is deleted: a route controller deletes it later\n{subnet} is released\n",
            result.Output);
        AssertOnlyHttpWarnings(result.Error);
        Assert.Null(await LeaseAsync(0));
        Assert.NotNull(await RouteAsync(subnet));
        Assert.Null(await Vpc.Instances[0].ReadSubnetFileAsync(Cancel));
    }

    [Fact]
    public async Task Release_is_refused_while_the_daemon_runs_and_healthcheck_succeeds()
    {
        await StartVpcAsync(1);
        var port = $"--healthz-port={Vpc.Instances[0].FreePort()}";
        var before = await Vpc.Instances[0].RunCommandAsync("healthcheck", Cancel, port);
        Assert.Equal(1, before.ExitCode);
        Assert.Contains("no response from http://127.0.0.1:", before.Error, StringComparison.Ordinal);
        await StartReadyAsync(0, port);

        var ready = await Vpc.Instances[0].RunCommandAsync("healthcheck", Cancel, port);
        Assert.Equal((0, "", ""), (ready.ExitCode, ready.Output, ready.Error));
        // The running daemon is found by its lock, without its health port.
        var release = await Vpc.Instances[0].RunCommandAsync("release", Cancel);
        Assert.Equal(1, release.ExitCode);
        var running = $@"flanneld \S+, process {Vpc.Instances[0].Daemon!.Id}";
        Assert.Matches($"{running} runs on this host and would lose its subnet: stop it first", release.Error);
        Assert.NotNull(await LeaseAsync(0));
        Assert.NotNull(await Vpc.Instances[0].ReadSubnetFileAsync(Cancel));
    }

    [Fact]
    public async Task Status_and_leases_show_the_node_and_the_cluster()
    {
        await StartVpcAsync(2);
        await StartReadyAsync(0);
        var subnet = await SubnetAsync(0);

        var status = await Vpc.Instances[0].RunCommandAsync("status", Cancel, "--output=json");
        Assert.Equal(0, status.ExitCode);
        var node = JsonNode.Parse(status.Output)!;
        Assert.Equal((true, subnet), ((bool)node["ready"]!, (string?)node["lease"]!["subnet"]));
        Assert.Equal("Available", (string?)node["lease"]!["route"]!["state"]);
        Assert.Equal(Vpc.Instances[0].InstanceId, (string?)node["controller"]!["instanceId"]);
        Assert.Equal(subnet, (string?)node["subnetFile"]!["subnet"]);
        Assert.InRange(
            DateTimeOffset.Parse((string)node["lease"]!["expires"]!, CultureInfo.InvariantCulture) - DateTimeOffset.UtcNow,
            TimeSpan.FromHours(23), TimeSpan.FromHours(24.1));

        var other = await Vpc.Instances[1].RunCommandAsync("status", Cancel);
        Assert.Equal(1, other.ExitCode);
        Assert.EndsWith($"{Vpc.Instances[1].PublicIp} has no lease\n", other.Error, StringComparison.Ordinal);

        var leases = await Vpc.Instances[1].RunCommandAsync("leases", Cancel);
        Assert.Equal(0, leases.ExitCode);
        var (publicIp, instance) = (Vpc.Instances[0].PublicIp, Vpc.Instances[0].InstanceId);
        Assert.Matches($@"(?m)^{subnet} +{publicIp} +ali-vpc +{instance} +Available +\S+Z$", leases.Output);
        Assert.EndsWith("1 lease, 254 subnets free\n", leases.Output, StringComparison.Ordinal);

        var json = JsonNode.Parse((await Vpc.Instances[1].RunCommandAsync("leases", Cancel, "--output=json")).Output)!;
        var lease = Assert.Single(json["items"]!.AsArray())!;
        Assert.Equal((subnet, false), ((string?)lease["subnet"], (bool)lease["fallback"]!));
        Assert.All(new[] { "ipv6Subnet", "publicIPv6" }, name => Assert.True(lease.AsObject().ContainsKey(name) && lease[name] is null));
        Assert.Null(lease["route"]!["ipv6"]);
    }

    [Fact]
    public async Task Status_names_each_route_table_with_state_code_and_request()
    {
        const string full = "vtb-bp2full";
        await StartVpcAsync(1, new CloudSetup { Instances = CloudSetup.MakeInstances(1), RouteEntryQuota = 2 }, publishConfig: false);
        await Vpc.Control.AddRouteTableAsync(full, Cancel);
        foreach (var other in new[] { "172.20.1.0/24", "172.20.2.0/24" })
            await Vpc.Control.CreateRouteAsync(other, Vpc.Instances[0].InstanceId, Cancel, routeTableId: full);
        await Vpc.PublishConfigAsync(
            Cancel, """{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc","RouteTableID":"vtb-bp2full"}}""");
        await Vpc.Instances[0].StartDaemonAsync();

        JsonNode? route = null;
        await Eventually.IsAsync("both tables have a state", async () =>
        {
            var status = await Vpc.Instances[0].RunCommandAsync("status", Cancel, "--output=json");
            route = JsonNode.Parse(status.Output)?["lease"]?["route"];
            return route?["tableStates"] is JsonArray { Count: 2 } states && (string?)states[0]!["state"] == "Available"
                && (string?)states[1]!["state"] == "QuotaExceeded";
        }, Cancel);
        var (has, lacks) = (route!["tableStates"]![0]!, route["tableStates"]![1]!);
        Assert.Equal((CloudSetup.RouteTableId, full), ((string?)has["table"], (string?)lacks["table"]));
        Assert.Equal(("QuotaExceeded", "QuotaExceeded"), ((string?)route["state"], (string?)lacks["code"]));
        var request = (string)lacks["requestId"]!;
        var call = Assert.Single(await Vpc.Control.ApiCallsAsync(Cancel), call => call.RequestId == request);
        Assert.StartsWith("CreateRouteEntr", call.Action, StringComparison.Ordinal);
        Assert.Contains(call.Parameters!, parameter => (string?)parameter.Value == full);

        var text = await Vpc.Instances[0].RunCommandAsync("status", Cancel);
        Assert.Equal(1, text.ExitCode);
        Assert.Matches($@"(?m)^ +TABLE +STATE +CODE +REQUEST +MESSAGE$", text.Output);
        Assert.Matches($@"(?m)^ +{CloudSetup.RouteTableId} +Available +- +- +-$", text.Output);
        Assert.Matches($@"(?m)^ +{full} +QuotaExceeded +QuotaExceeded +{request} +route table {full} is full", text.Output);
        Assert.Matches($"(?m)^route +QuotaExceeded in {full}, Available in {CloudSetup.RouteTableId} since \\S+Z$", text.Output);
        var yaml = await Vpc.Instances[0].RunCommandAsync("status", Cancel, "--output=yaml");
        Assert.Contains($"- table: {full}\n", yaml.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dry_run_names_the_routes_of_another_cluster()
    {
        const string mark = "flannel-00000000000000aa";
        await StartVpcAsync(2);
        await StartReadyAsync(0);
        var subnet = await SubnetAsync(0);
        await CreateMarkedRouteAsync(FreeSubnets(subnet)[0], 1, mark);
        var run = await Vpc.Instances[0].RunCommandAsync("--dry-run", Cancel);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains(
            $"  1 route of another cluster ({mark}): kept;"
            + $" if that cluster is gone, 'flanneld routes clean --of {mark}' deletes them\n",
            run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dry_run_prints_the_plan_and_writes_nothing()
    {
        await StartVpcAsync(1);
        var daemon = await StartReadyAsync(0);
        var subnet = await SubnetAsync(0);
        Assert.Equal(0, await daemon.StopAsync(Cancel));
        await Vpc.Control.DeleteRouteAsync((await RouteAsync(subnet))!.RouteEntryId, Cancel);
        await Vpc.Control.ClearCallsAsync(Cancel);

        var run = await Vpc.Instances[0].RunCommandAsync("--dry-run", Cancel);

        Assert.Equal(0, run.ExitCode);
        Assert.Matches($@"create +\S+ {subnet} +Instance {Vpc.Instances[0].InstanceId}\n", run.Output);
        Assert.Contains($"the API would carry out CreateRouteEntries for {subnet} in ", run.Output, StringComparison.Ordinal);
        Assert.Null(await RouteAsync(subnet));
        Assert.NotNull(await LeaseAsync(0));
    }
}
