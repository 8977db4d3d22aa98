using System.Net;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>A node with a missing or invalid configuration, a lost lease, or an unavailable etcd or API.</summary>
public sealed class NodeFailureTests : EndToEndTest
{
    [Fact]
    public async Task Without_a_configuration_the_node_waits_and_reports_once_how_to_write_one()
    {
        await StartVpcAsync(1, publishConfig: false);
        var daemon = await Vpc.Instances[0].StartDaemonAsync();
        await daemon.WaitForLogAsync($"waiting for the network configuration at {TestVpc.Prefix}/config", Cancel);
        Assert.False(daemon.IsReady);

        await Vpc.PublishConfigAsync(Cancel);
        await daemon.WaitForReadyAsync(Cancel);
        Assert.Single(daemon.StandardError.Split('\n'), line => line.Contains("flanneld config set", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_invalid_configuration_is_reported_and_a_valid_one_is_used()
    {
        await StartVpcAsync(1, publishConfig: false);
        await Vpc.PublishConfigAsync(Cancel, """{"Network":"10.24.0.0/33","Backend":{"Type":"ali-vpc"}}""");
        var daemon = await Vpc.Instances[0].StartDaemonAsync();
        await daemon.WaitForLogAsync($"invalid network configuration at {TestVpc.Prefix}/config: ", Cancel);
        Assert.Contains("10.24.0.0/33", daemon.StandardError, StringComparison.Ordinal);
        Assert.False(daemon.IsReady);

        await Vpc.PublishConfigAsync(Cancel);
        await daemon.WaitForReadyAsync(Cancel);
    }

    [Fact]
    public async Task A_deleted_lease_ends_the_daemon_and_the_next_start_leases_the_subnet_again()
    {
        await StartVpcAsync(1);
        var daemon = await StartReadyAsync(0);
        var lease = await LeaseAsync(0);

        Assert.True(await Vpc.Etcd.Keys.DeleteAsync(lease!.Key, Cancel));

        Assert.Equal(1, await daemon.WaitForExitAsync(Cancel));
        Assert.False(File.Exists(Vpc.Instances[0].SubnetFile));
        Assert.Contains(SubnetOf(lease), daemon.StandardError, StringComparison.Ordinal);

        await StartReadyAsync(0);
        Assert.Equal(lease.Key, (await LeaseAsync(0))!.Key);
    }

    [Fact]
    public async Task A_lease_overwritten_by_another_node_ends_the_daemon()
    {
        await StartVpcAsync(1);
        var daemon = await StartReadyAsync(0);
        var lease = await LeaseAsync(0);

        await Vpc.Etcd.Keys.PutAsync(lease!.Key, TestVpc.UpstreamLease("192.168.1.99"), Cancel);

        Assert.Equal(1, await daemon.WaitForExitAsync(Cancel));
        Assert.False(File.Exists(Vpc.Instances[0].SubnetFile));
        Assert.Contains("192.168.1.99", (await Vpc.Etcd.Keys.GetAsync(lease.Key, Cancel))!.Value, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_daemon_survives_an_etcd_restart_and_watches_its_lease_again(bool killed)
    {
        await StartVpcAsync(1);
        var daemon = await StartReadyAsync(0);
        var lease = await LeaseAsync(0);

        await (killed ? Vpc.Etcd.KillAsync(Cancel) : Vpc.Etcd.StopAsync(Cancel));
        await Vpc.Etcd.StartAgainAsync(Cancel);
        Assert.Equal(lease!.Key, (await LeaseAsync(0))!.Key);
        Assert.False(daemon.HasExited, daemon.AllOutput);

        // The lease is watched again: its loss ends the daemon.
        await Vpc.Etcd.Keys.DeleteAsync(lease.Key, Cancel);
        Assert.Equal(1, await daemon.WaitForExitAsync(Cancel));
    }

    [Fact]
    public async Task A_daemon_started_before_etcd_waits_for_it()
    {
        await StartVpcAsync(1);
        await Vpc.Etcd.StopAsync(Cancel);
        var daemon = await Vpc.Instances[0].StartDaemonAsync();
        await daemon.WaitForLogAsync("etcd unavailable", Cancel);
        Assert.False(daemon.HasExited, daemon.AllOutput);

        await Vpc.Etcd.StartAgainAsync(Cancel);
        await daemon.WaitForReadyAsync(Cancel);
    }

    [Fact]
    public async Task A_new_node_waits_for_an_unavailable_API()
    {
        await StartVpcAsync(1);
        await Vpc.Control.StopApiAsync(Cancel);
        var daemon = await Vpc.Instances[0].StartDaemonAsync();
        await Eventually.IsAsync("the node has a lease", async () => await LeaseAsync(0) is not null, Cancel);
        Assert.False(daemon.IsReady);
        Assert.False(File.Exists(Vpc.Instances[0].SubnetFile));

        await Vpc.Control.StartApiAsync(Cancel);
        await daemon.WaitForReadyAsync(Cancel, TimeSpan.FromSeconds(90));
    }

    [Fact]
    public async Task A_node_gets_its_route_despite_throttling_conflicts_and_lost_responses()
    {
        await StartVpcAsync(1);
        await Vpc.Control.AddFaultAsync(
            new { service = "vpc", action = "*", times = 2, kind = "code", code = "Throttling.User", httpStatus = 400 }, Cancel);
        foreach (var action in new[] { "CreateRouteEntry", "CreateRouteEntries" })
        {
            await Vpc.Control.AddFaultAsync(
                new { service = "vpc", action, times = 1, kind = "code", code = "TaskConflict", httpStatus = 400 }, Cancel);
            await Vpc.Control.AddFaultAsync(new { service = "vpc", action, times = 1, kind = "dropAfterSuccess" }, Cancel);
        }
        var daemon = await Vpc.Instances[0].StartDaemonAsync();
        await daemon.WaitForReadyAsync(Cancel, TimeSpan.FromSeconds(90));
        Assert.Single(await Vpc.Control.CustomRoutesAsync(Cancel));
    }

    [Fact]
    public async Task A_throttled_API_is_retried_after_its_hint_and_logged_as_throttled()
    {
        const int hint = 8000; // milliseconds; longer than the first back-off without a hint
        await StartVpcAsync(1);
        await Vpc.Control.AddFaultAsync(new
        {
            service = "vpc",
            action = "DescribeVSwitchAttributes",
            kind = "code",
            code = "Throttling.User",
            headers = new Dictionary<string, string> { ["x-ratelimit-user-api"] = $"Limit:300,Remain:0,TimeLeft:{hint},Reset:0" },
        }, Cancel);
        var daemon = await Vpc.Instances[0].StartDaemonAsync();
        await daemon.WaitForLogAsync("it throttles this account: Throttling.User", Cancel, TimeSpan.FromSeconds(60));
        await daemon.WaitForReadyAsync(Cancel, TimeSpan.FromSeconds(90));
        var times = (await Vpc.Control.ApiCallsAsync(Cancel)).Where(call => call.Action == "DescribeVSwitchAttributes")
            .Select(call => call.Time).ToList();
        Assert.True(times[1] - times[0] >= TimeSpan.FromMilliseconds(hint), $"{times[1] - times[0]}");
        Assert.DoesNotContain("is unavailable", daemon.StandardError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_responses_follow_the_lease()
    {
        await StartVpcAsync(1, publishConfig: false);
        var instance = Vpc.Instances[0];
        var port = instance.FreePort();
        var daemon = await instance.StartDaemonAsync(["--healthz-ip=127.0.0.1", $"--healthz-port={port}"]);
        using var http = instance.CreateHttpClient(port);
        await Eventually.IsAsync("/healthz responds", async () => await StatusAsync(http, "/healthz") == HttpStatusCode.OK, Cancel);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync(http, "/readyz"));

        await Vpc.PublishConfigAsync(Cancel);
        await daemon.WaitForReadyAsync(Cancel);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(http, "/readyz"));
        Assert.Contains(await SubnetAsync(0),
            await http.GetStringAsync(new Uri("/readyz?verbose", UriKind.Relative), Cancel), StringComparison.Ordinal);
    }

    private static async Task<HttpStatusCode?> StatusAsync(HttpClient http, string path)
    {
        try
        {
            using var response = await http.GetAsync(new Uri(path, UriKind.Relative), Cancel);
            return response.StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }
}
