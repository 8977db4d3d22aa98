using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>The command <c>routes clean</c>, and the flags that it replaces.</summary>
public sealed class RoutesCleanTests : EndToEndTest
{
    private const string Lost = "flannel-00000000000000aa";
    private const string Existing = "flannel-00000000000000bb";
    private static readonly Dictionary<string, string> Terminal = new() { ["TERM"] = "xterm" };

    [Fact]
    public async Task Clean_without_a_selection_lists_what_each_would_delete_and_deletes_nothing()
    {
        await StartVpcAsync(2);
        await StartReadyAsync(0);
        var free = FreeSubnets(await SubnetAsync(0));
        await Vpc.Control.CreateRouteAsync(free[0], Vpc.Instances[1].InstanceId, Cancel);
        await CreateMarkedRouteAsync(free[1], 1, Lost);

        var result = await CleanAsync();
        Assert.Equal(0, result.ExitCode);
        Assert.Matches($@"(?m)^{free[0]} .* unmanaged$", result.Output);
        Assert.Matches($@"(?m)^{free[1]} .* other-cluster$", result.Output);
        Assert.Contains("'flanneld routes clean --unmanaged' deletes them\n", result.Output, StringComparison.Ordinal);
        Assert.Contains($"'flanneld routes clean --of {Lost}' deletes them\n", result.Output, StringComparison.Ordinal);
        Assert.Equal(3, (await Vpc.Control.CustomRoutesAsync(Cancel)).Count);
    }

    [Fact]
    public async Task Unmanaged_routes_are_deleted_with_yes_and_not_without_a_terminal()
    {
        await StartVpcAsync(2);
        await StartReadyAsync(0);
        var subnet = await SubnetAsync(0);
        var unmanaged = FreeSubnets(subnet)[0];
        await Vpc.Control.CreateRouteAsync(unmanaged, Vpc.Instances[1].InstanceId, Cancel);
        await Vpc.Control.CreateRouteAsync("10.99.1.0/24", Vpc.Instances[1].InstanceId, Cancel, "of an operator");

        var refused = await CleanAsync("--unmanaged");
        Assert.Equal(1, refused.ExitCode);
        Assert.Matches($@"(?m)^{unmanaged} .* unmanaged$", refused.Output);
        Assert.DoesNotContain("10.99.1.0", refused.Output, StringComparison.Ordinal);
        Assert.EndsWith(
            "flanneld routes clean: nothing is changed without a confirmation: stdin is no terminal, use --yes\n", refused.Error,
            StringComparison.Ordinal);
        Assert.NotNull(await RouteAsync(unmanaged));

        var removal = await CleanAsync("--unmanaged", "--yes");
        Assert.Equal(0, removal.ExitCode);
        AssertOnlyHttpWarnings(removal.Error);
        Assert.EndsWith("1 of 1 unmanaged deleted\n", removal.Output, StringComparison.Ordinal);
        await WaitForNoRouteAsync(unmanaged);
        Assert.NotNull(await RouteAsync(subnet));
        Assert.NotNull(await RouteAsync("10.99.1.0/24"));
        var again = await CleanAsync("--unmanaged");
        Assert.Equal((0, "no unmanaged route\n"), (again.ExitCode, again.Output));
    }

    [Theory]
    [InlineData("y\n", 0)]
    [InlineData("n\n", 1)]
    [InlineData("\n", 1)]
    public async Task Clean_asks_on_a_terminal(string answer, int exitCode)
    {
        await StartVpcAsync(2);
        await StartReadyAsync(0);
        var unmanaged = FreeSubnets(await SubnetAsync(0))[0];
        await Vpc.Control.CreateRouteAsync(unmanaged, Vpc.Instances[1].InstanceId, Cancel);

        await using var command = await Vpc.Instances[0].StartInTerminalAsync("routes clean", Terminal, "--unmanaged");
        await Eventually.IsAsync(
            "the command asks",
            () => Task.FromResult(command.StandardOutput.Contains("Delete this route? [y/N] ", StringComparison.Ordinal)), Cancel);
        Assert.NotNull(await RouteAsync(unmanaged));
        await command.StandardInput.WriteAsync(answer.AsMemory(), Cancel);
        await command.StandardInput.FlushAsync(Cancel);

        Assert.Equal(exitCode, await command.WaitForExitAsync(Cancel));
        if (exitCode == 0) await WaitForNoRouteAsync(unmanaged);
        else
        {
            Assert.Contains("not confirmed; nothing is changed", command.StandardOutput, StringComparison.Ordinal);
            Assert.NotNull(await RouteAsync(unmanaged));
        }
    }

    [Fact]
    public async Task Routes_of_another_cluster_are_deleted_by_its_mark_and_own_routes_are_not()
    {
        await StartVpcAsync(2);
        await StartReadyAsync(0);
        var subnet = await SubnetAsync(0);
        var free = FreeSubnets(subnet);
        await CreateMarkedRouteAsync(free[0], 1, Lost);
        await CreateMarkedRouteAsync(free[1], 1, Existing);

        var own = (await RouteAsync(subnet))!.RouteEntryName;
        var refused = await CleanAsync($"--of={own}", "--yes");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains(
            $"{own} is this cluster's own mark; use 'flanneld routes clean --stale'", refused.Error, StringComparison.Ordinal);
        Assert.Equal(3, (await Vpc.Control.CustomRoutesAsync(Cancel)).Count);

        // The id without the prefix of the mark is accepted too.
        var removal = await CleanAsync("--of=00000000000000aa", "--yes");
        Assert.Equal(0, removal.ExitCode);
        Assert.Contains($"1 of 1 of {Lost} deleted\n", removal.Output, StringComparison.Ordinal);
        await WaitForNoRouteAsync(free[0]);
        Assert.NotNull(await RouteAsync(free[1]));
        Assert.NotNull(await RouteAsync(subnet));
        Assert.Contains($"'flanneld routes clean --of {Existing}' deletes them\n", (await RoutesAsync()).Output, StringComparison.Ordinal);

        var again = await CleanAsync($"--of={Lost}", "--yes");
        Assert.Equal((0, $"no route of {Lost}\n"), (again.ExitCode, again.Output));
    }

    [Fact]
    public async Task Stale_routes_are_deleted_only_on_request_and_a_denied_deletion_exits_with_1()
    {
        await StartVpcAsync(2);
        var daemon = await StartReadyAsync(0);
        var subnet = await SubnetAsync(0);
        var mark = (await RouteAsync(subnet))!.RouteEntryName!;
        // Without a route controller only the command deletes the stale route.
        Assert.Equal(0, await daemon.StopAsync(Cancel));
        var free = FreeSubnets(subnet);
        await CreateMarkedRouteAsync(free[0], 1, mark);
        await CreateMarkedRouteAsync(free[1], 1, Existing);

        var list = await RoutesAsync();
        Assert.Equal(0, list.ExitCode);
        Assert.Matches($@"(?m)^{free[0]} .* this-cluster +stale$", list.Output);
        Assert.Matches($@"(?m)^{free[1]} .* {Existing} +other-cluster$", list.Output);
        Assert.Contains("'flanneld routes clean --stale' deletes them now\n", list.Output, StringComparison.Ordinal);
        Assert.NotNull(await RouteAsync(free[0]));

        await Vpc.Control.SetRoleAsync(CloudSetup.RoleName, ["vpc:DeleteRouteEntr*"], Cancel);
        var denied = await CleanAsync("--stale", "--yes");
        Assert.Equal(1, denied.ExitCode);
        Assert.Contains("0 of 1 stale deleted\n", denied.Output, StringComparison.Ordinal);
        Assert.Contains("not all entries could be deleted, see above", denied.Error, StringComparison.Ordinal);
        Assert.NotNull(await RouteAsync(free[0]));

        await Vpc.Control.SetRoleAsync(CloudSetup.RoleName, [], Cancel);
        var removal = await CleanAsync("--stale", "--yes");
        Assert.Equal(0, removal.ExitCode);
        Assert.Contains("1 of 1 stale deleted\n", removal.Output, StringComparison.Ordinal);
        await WaitForNoRouteAsync(free[0]);
        Assert.NotNull(await RouteAsync(free[1]));
        Assert.NotNull(await RouteAsync(subnet));
        var again = await CleanAsync("--stale", "--yes");
        Assert.Equal((0, "no stale route\n"), (again.ExitCode, again.Output));
    }

    /// <summary>Scripts of operators have them.</summary>
    [Fact]
    public async Task The_former_flags_still_delete_without_asking_and_name_the_new_form()
    {
        await StartVpcAsync(2);
        await StartReadyAsync(0);
        var subnet = await SubnetAsync(0);
        var free = FreeSubnets(subnet);
        await Vpc.Control.CreateRouteAsync(free[0], Vpc.Instances[1].InstanceId, Cancel);
        await CreateMarkedRouteAsync(free[1], 1, Lost);

        var removal = await RoutesAsync("--remove-leftovers", "--delete-stale", $"--remove-routes-of={Lost}");
        Assert.Equal(0, removal.ExitCode);
        Assert.Contains(
            $"flanneld routes: deprecated flag: use 'flanneld routes clean --unmanaged --stale --of {Lost} --yes'\n", removal.Error,
            StringComparison.Ordinal);
        Assert.EndsWith($"1 of 1 unmanaged deleted\nno stale route\n1 of 1 of {Lost} deleted\n", removal.Output, StringComparison.Ordinal);
        await WaitForNoRouteAsync(free[0]);
        await WaitForNoRouteAsync(free[1]);
        Assert.NotNull(await RouteAsync(subnet));
    }

    private Task<CommandResult> RoutesAsync(params string[] more) => Vpc.Instances[0].RunCommandAsync("routes", Cancel, more);

    private Task<CommandResult> CleanAsync(params string[] more) => Vpc.Instances[0].RunCommandAsync("routes clean", Cancel, more);
}
