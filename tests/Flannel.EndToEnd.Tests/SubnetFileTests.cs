using System.Net;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary><c>subnet.env</c> exists if and only if the subnet may be used.</summary>
public sealed class SubnetFileTests : EndToEndTest
{
    private string SubnetFile => Vpc.Instances[0].SubnetFile;

    [Fact]
    public async Task A_deleted_or_changed_file_is_written_again()
    {
        await StartVpcAsync(1);
        var daemon = await StartReadyAsync(0);
        var content = await File.ReadAllTextAsync(SubnetFile, Cancel);

        File.Delete(SubnetFile);
        await Eventually.IsAsync("the file is back", () => Task.FromResult(File.Exists(SubnetFile)), Cancel);
        Assert.Equal(content, await File.ReadAllTextAsync(SubnetFile, Cancel));
        await daemon.WaitForLogAsync("another program deleted it", Cancel);

        // Another program replaces the file.
        await File.WriteAllTextAsync(SubnetFile + ".new", "FLANNEL_SUBNET=10.24.99.1/24\n", Cancel);
        File.Move(SubnetFile + ".new", SubnetFile, overwrite: true);
        await Eventually.IsAsync("the content is back", async () => await File.ReadAllTextAsync(SubnetFile, Cancel) == content, Cancel);
    }

    [Theory]
    [InlineData("""{"Network":"10.99.0.0/16","Backend":{"Type":"ali-vpc"}}""")]
    [InlineData("""{"Network":"10.24.0.0/15","Backend":{"Type":"ali-vpc"}}""")]
    [InlineData("invalid")]
    public async Task A_configuration_change_keeps_running_nodes_ready(string config)
    {
        await StartVpcAsync(2);
        var port = Vpc.Instances[0].FreePort();
        var daemon = await StartReadyAsync(0, "--healthz-ip=127.0.0.1", $"--healthz-port={port}", "--route-resync=1");
        await StartReadyAsync(1, QuickResync);
        using var http = Vpc.Instances[0].CreateHttpClient(port);
        var before = await File.ReadAllTextAsync(SubnetFile, Cancel);

        await Vpc.PublishConfigAsync(Cancel, config);

        await daemon.WaitForLogAsync("the network configuration", Cancel);
        // The time of several passes of the controller and several reconciles of the node.
        for (var i = 0; i < 60; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(new Uri("/readyz", UriKind.Relative), Cancel)).StatusCode);
            Assert.True(File.Exists(SubnetFile), daemon.AllOutput);
            await Task.Delay(100, Cancel);
        }
        Assert.Equal(before, await File.ReadAllTextAsync(SubnetFile, Cancel));
        Assert.DoesNotContain("node[1113]", daemon.StandardError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_restarts_while_etcd_is_down_keeps_its_file()
    {
        await StartVpcAsync(1);
        var first = await StartReadyAsync(0);
        await first.KillAsync(Cancel);
        await Vpc.Etcd.StopAsync(Cancel);

        var second = await Vpc.Instances[0].StartDaemonAsync();
        await second.WaitForLogAsync("etcd unavailable", Cancel);
        Assert.True(File.Exists(SubnetFile));
        Assert.False(second.IsReady);

        await Vpc.Etcd.StartAgainAsync(Cancel);
        await second.WaitForReadyAsync(Cancel);
        Assert.DoesNotContain("removed", second.StandardError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_file_is_removed_if_another_node_holds_its_subnet_while_the_node_waits_for_a_configuration()
    {
        await StartVpcAsync(1);
        var first = await StartReadyAsync(0);
        var lease = await LeaseAsync(0);
        Assert.Equal(0, await first.StopAsync(Cancel));
        await Vpc.Etcd.Keys.DeleteAsync($"{TestVpc.Prefix}/config", Cancel);

        // The lease exists, so the file stays.
        var second = await Vpc.Instances[0].StartDaemonAsync();
        await second.WaitForLogAsync("waiting for the network configuration", Cancel);
        Assert.True(File.Exists(SubnetFile));

        await Vpc.Etcd.Keys.PutAsync(lease!.Key, TestVpc.UpstreamLease("192.168.1.99"), Cancel);

        await Eventually.IsAsync(
            "the file is removed", () => Task.FromResult(!File.Exists(SubnetFile)), Cancel, context: () => second.AllOutput);
        Assert.False(second.HasExited);
        await second.WaitForLogAsync("another node has subnet", Cancel);
    }

    [Fact]
    public async Task A_subnet_whose_lease_was_deleted_while_the_daemon_was_stopped_is_leased_again()
    {
        await StartVpcAsync(1);
        var first = await StartReadyAsync(0);
        var lease = await LeaseAsync(0);
        Assert.Equal(0, await first.StopAsync(Cancel));
        await Vpc.Etcd.Keys.DeleteAsync(lease!.Key, Cancel);
        File.Delete(SubnetFile);

        await StartReadyAsync(0);

        Assert.Equal(lease.Key, (await LeaseAsync(0))!.Key);
    }

    /// <summary>The StateDirectory= of systemd survives a reboot, /run does not.</summary>
    [Fact]
    public async Task The_last_subnet_is_kept_in_the_state_directory_until_release()
    {
        await StartVpcAsync(1);
        var instance = Vpc.Instances[0];
        var (state, run) = (Path.Combine(instance.Folder, "state"), Path.Combine(instance.Folder, "run"));
        foreach (var folder in new[] { state, run }) RunFolder.CreateWritableFolder(folder);
        var environment = new Dictionary<string, string> { ["STATE_DIRECTORY"] = state };
        string[] arguments = [$"--subnet-file={Path.Combine(run, "subnet.env")}"];
        var lastSubnet = Path.Combine(state, "subnet.env.last");
        var first = await instance.StartDaemonAsync(arguments, environment);
        await first.WaitForReadyAsync(Cancel);
        Assert.Equal(0, await first.StopAsync(Cancel));
        var lease = await LeaseAsync(0);
        Assert.Contains(SubnetOf(lease!)[..^"0/24".Length], await File.ReadAllTextAsync(lastSubnet, Cancel), StringComparison.Ordinal);
        await Vpc.Etcd.Keys.DeleteAsync(lease!.Key, Cancel);
        Directory.Delete(run, recursive: true);
        RunFolder.CreateWritableFolder(run);

        var second = await instance.StartDaemonAsync(arguments, environment);
        await second.WaitForReadyAsync(Cancel);
        Assert.Equal(lease.Key, (await LeaseAsync(0))!.Key);
        Assert.Equal(0, await second.StopAsync(Cancel));

        var start = new ProgramStart(Locations.Flanneld, ["release", .. instance.Arguments, .. arguments, "--wait=0"])
        {
            Namespace = instance.Namespace,
            Environment = environment,
        };
        await ProcessCommand.TryRunAsync(start, Cancel);
        Assert.False(File.Exists(lastSubnet));
        Assert.False(File.Exists(Path.Combine(run, "subnet.env")));
        Assert.Null(await LeaseAsync(0));
    }

    [Fact]
    public async Task A_second_daemon_exits_and_names_the_running_one()
    {
        await StartVpcAsync(1);
        var first = await StartReadyAsync(0);
        var lease = await LeaseAsync(0);

        var second = await Vpc.Instances[0].StartDaemonAsync();
        Assert.Equal(1, await second.WaitForExitAsync(Cancel));
        var refusal = $@"flanneld \S+, process {first.Id} runs on this host with the subnet file {SubnetFile}: stop it first";
        Assert.Matches(refusal, second.StandardError);
        Assert.False(first.HasExited);
        Assert.Equal(lease, await LeaseAsync(0));

        // Commands that only read run at the same time, and a killed daemon leaves no lock.
        Assert.Equal(0, (await Vpc.Instances[0].RunCommandAsync("routes", Cancel)).ExitCode);
        await first.KillAsync(Cancel);
        await StartReadyAsync(0);
    }

    [Fact]
    public async Task SIGHUP_does_not_end_the_daemon()
    {
        await StartVpcAsync(1);
        var daemon = await StartReadyAsync(0);
        daemon.HangUp();
        await daemon.WaitForLogAsync("received SIGHUP", Cancel);
        Assert.False(daemon.HasExited);
        Assert.Equal(0, await daemon.StopAsync(Cancel));
    }
}
