using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>The command <c>routes</c>, and the colors of tables.</summary>
public sealed class RoutesTests : EndToEndTest
{
    private static readonly Dictionary<string, string> Terminal = new() { ["TERM"] = "xterm" };

    [Fact]
    public async Task The_exit_code_says_whether_each_lease_has_its_route()
    {
        await StartVpcAsync(2);
        var daemon = await StartReadyAsync(0);
        var subnet = await SubnetAsync(0);
        var (publicIp, instance) = (Vpc.Instances[0].PublicIp, Vpc.Instances[0].InstanceId);

        var yes = await RoutesAsync();
        Assert.Equal(0, yes.ExitCode);
        AssertOnlyHttpWarnings(yes.Error);
        Assert.Matches($@"(?m)^{subnet} +{publicIp} +Instance/{instance} +\S+ +Available +this-cluster +leased$", yes.Output);
        Assert.Contains("\n1 lease of ali-vpc, all with an available route\n", yes.Output, StringComparison.Ordinal);

        // Without a route controller nothing repairs the table.
        Assert.Equal(0, await daemon.StopAsync(Cancel));
        await Vpc.Control.DeleteRouteAsync((await RouteAsync(subnet))!.RouteEntryId, Cancel);
        var missing = await RoutesAsync();
        Assert.Equal(1, missing.ExitCode);
        Assert.Matches($@"(?m)^{subnet} +{publicIp} +Instance/{instance} +{CloudSetup.RouteTableId} +Missing +- +missing$", missing.Output);
        Assert.EndsWith(
            $"flanneld routes: 1 subnet has no available route: {subnet} of {publicIp}: no entry in {CloudSetup.RouteTableId}\n",
            missing.Error, StringComparison.Ordinal);

        await Vpc.Control.CreateRouteAsync(subnet, Vpc.Instances[1].InstanceId, Cancel);
        var wrong = await RoutesAsync("--output=json");
        Assert.Equal(1, wrong.ExitCode);
        var list = JsonNode.Parse(wrong.Output)!;
        var entry = Assert.Single(list["items"]!.AsArray())!;
        Assert.Equal(("RouteList", false, 1), ((string?)list["kind"], (bool)list["routed"]!, (int)list["leases"]!));
        Assert.Equal(CloudSetup.VpcId, (string?)list["vpcs"]![0]!["id"]);
        Assert.Equal(("WrongNextHop", "leased"), ((string?)entry["state"], (string?)entry["kind"]));
        Assert.Equal(Vpc.Instances[1].InstanceId, (string?)entry["nextHops"]![0]!["id"]);
        Assert.Contains($"it leads to Instance {Vpc.Instances[1].InstanceId}", wrong.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_API_that_is_unavailable_is_named_and_is_no_yes()
    {
        await StartVpcAsync(1);
        await StartReadyAsync(0);
        await Vpc.Control.SetRoleAsync(CloudSetup.RoleName, ["vpc:DescribeRouteEntryList"], Cancel);
        var result = await RoutesAsync();
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("the list is incomplete: ", result.Error, StringComparison.Ordinal);
        Assert.Contains("vpc:DescribeRouteEntryList", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_throttled_call_is_repeated_and_the_command_says_what_it_waits_for()
    {
        await StartVpcAsync(1);
        Assert.Equal(0, await (await StartReadyAsync(0)).StopAsync(Cancel));
        await Vpc.Control.AddFaultAsync(
            new { service = "vpc", action = "DescribeRouteEntryList", times = 4, kind = "code", code = "Throttling.User" }, Cancel);
        var result = await RoutesAsync();
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("waiting for etcd at ", result.Error, StringComparison.Ordinal);
        Assert.Contains(" and the VPC API ...", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_backend_without_routes_has_nothing_to_confirm()
    {
        await StartVpcAsync(1, publishConfig: false);
        await Vpc.PublishConfigAsync(Cancel, """{"Network":"10.24.0.0/16","Backend":{"Type":"alloc"}}""");
        await StartReadyAsync(0);
        var result = await RoutesAsync();
        Assert.Equal(0, result.ExitCode);
        Assert.StartsWith("backend alloc has no routes\n", result.Output, StringComparison.Ordinal);
        Assert.Matches($@"(?m)^{await SubnetAsync(0)} +{Vpc.Instances[0].PublicIp} +alloc$", result.Output);
        Assert.Equal("alloc", (string?)JsonNode.Parse((await RoutesAsync("--output=json")).Output)!["backend"]);
        var clean = await Vpc.Instances[0].RunCommandAsync("routes clean", Cancel, "--stale", "--yes");
        Assert.Equal(1, clean.ExitCode);
        Assert.Contains("backend alloc has no routes", clean.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_watch_prints_each_change_and_ends_with_0_at_Ctrl_C()
    {
        await StartVpcAsync(1);
        var daemon = await StartReadyAsync(0);
        await using var watch = await Vpc.Instances[0].StartCommandAsync("routes", "--watch", "--output=json");
        await WaitForLineAsync(watch, routed: true);
        Assert.Equal(0, await daemon.StopAsync(Cancel));
        await Vpc.Control.DeleteRouteAsync((await RouteAsync(await SubnetAsync(0)))!.RouteEntryId, Cancel);
        await WaitForLineAsync(watch, routed: false);
        // Nothing has changed since, so nothing is repeated.
        var lines = Lines(watch);
        Assert.Equal(lines.Distinct(), lines);

        Assert.True(watch.Interrupt());
        Assert.Equal(0, await watch.WaitForExitAsync(Cancel));
    }

    [Fact]
    public async Task A_watch_ends_when_its_output_is_no_longer_read()
    {
        await StartVpcAsync(1);
        await StartReadyAsync(0);
        var result = await Vpc.Instances[0].RunIntoPipeAsync("routes", "head -1", Cancel, "--watch", "--output=json");
        Assert.Equal(0, result.ExitCode);
        Assert.True(JsonNode.Parse(result.Output)!["routed"]!.GetValue<bool>());
    }

    [Fact]
    public async Task A_watch_of_a_table_appends_blocks_with_a_time()
    {
        await StartVpcAsync(1);
        await StartReadyAsync(0);
        await using var watch = await Vpc.Instances[0].StartCommandAsync("routes", "--watch");
        await Eventually.IsAsync(
            "the watch prints a block with a time",
            () => Task.FromResult(watch.StandardOutput.Contains("all with an available route", StringComparison.Ordinal)), Cancel);
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\ncluster ", watch.StandardOutput);
        Assert.False(watch.HasExited);
        Assert.True(watch.Interrupt());
        Assert.Equal(0, await watch.WaitForExitAsync(Cancel));
    }

    [Fact]
    public async Task States_have_colors_on_a_terminal_only()
    {
        const string green = "\e[32mAvailable\e[0m";
        await StartVpcAsync(1);
        await StartReadyAsync(0);
        foreach (var command in new[] { "routes", "leases", "status" })
        {
            Assert.Contains(green, await InTerminalAsync(command, Terminal), StringComparison.Ordinal);
            foreach (var plain in new Dictionary<string, string>[]
                { new() { ["TERM"] = "xterm", ["NO_COLOR"] = "1" }, new() { ["TERM"] = "dumb" } })
            {
                var output = await InTerminalAsync(command, plain);
                Assert.Contains("Available", output, StringComparison.Ordinal);
                Assert.DoesNotContain("\e[3", output, StringComparison.Ordinal);
            }

            Assert.DoesNotContain("\e", (await Vpc.Instances[0].RunCommandAsync(command, Cancel)).Output, StringComparison.Ordinal);
            Assert.Contains(
                green, (await Vpc.Instances[0].RunCommandAsync(command, Cancel, "--color=always")).Output, StringComparison.Ordinal);
        }
    }

    private Task<CommandResult> RoutesAsync(params string[] more) => Vpc.Instances[0].RunCommandAsync("routes", Cancel, more);

    private async Task<string> InTerminalAsync(string command, Dictionary<string, string> environment)
    {
        await using var process = await Vpc.Instances[0].StartInTerminalAsync(command, environment);
        Assert.Equal(0, await process.WaitForExitAsync(Cancel));
        return process.StandardOutput;
    }

    private static Task WaitForLineAsync(ChildProcess watch, bool routed) => Eventually.IsAsync(
        $"the watch prints routed {routed}",
        () => Task.FromResult(Lines(watch) is [.., var line] && JsonNode.Parse(line)!["routed"]!.GetValue<bool>() == routed), Cancel,
        context: () => watch.StandardOutput + watch.StandardError);

    /// <summary>The complete ones.</summary>
    private static string[] Lines(ChildProcess watch)
    {
        var text = watch.StandardOutput;
        return text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
