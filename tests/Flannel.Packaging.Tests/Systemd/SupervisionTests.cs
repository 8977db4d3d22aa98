using System.Globalization;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Systemd;

/// <summary>systemd restarts the daemon if it ends or hangs, and only then.</summary>
public sealed class SupervisionTests : MachineTest
{
    private const int WatchdogSeconds = 4;

    [Fact]
    public async Task A_killed_or_hung_daemon_is_restarted_and_keeps_its_lease()
    {
        await StartMachineAsync();
        await InstallReadyAsync();
        Assert.Equal("1min", await UnitAsync("WatchdogUSec"));
        var lease = await HeldLeaseAsync();
        await using var poller = new FilePoller(Machine.PathOf(SubnetFile));

        var process = await MainPidAsync();
        await Machine.RunAsync("systemctl kill --signal=KILL flanneld", Cancel);
        await WaitForRestartAsync(process);
        Assert.Equal("1", await UnitAsync("NRestarts"));
        Assert.Equal(lease, await HeldLeaseAsync());

        await OverrideAsync($"WatchdogSec={WatchdogSeconds}");
        await Machine.RunAsync("systemctl restart flanneld", Cancel);
        process = await MainPidAsync();
        await Machine.RunAsync($"kill -STOP {process}", Cancel);
        await WaitForRestartAsync(process, TimeSpan.FromSeconds(60));
        Assert.Contains($"Watchdog timeout (limit {WatchdogSeconds}s)!",
            await Machine.JournalAsync("flanneld", Cancel), StringComparison.Ordinal);
        Assert.Equal(lease, await HeldLeaseAsync());
        Assert.Equal(0, poller.Mismatches);
        Assert.True(poller.Reads > 100, $"subnet.env was read only {poller.Reads} times");
    }

    [Fact]
    public async Task A_hung_etcd_or_API_does_not_trigger_the_watchdog()
    {
        await StartMachineAsync();
        await InstallAsync();
        await OverrideAsync($"WatchdogSec={WatchdogSeconds}");
        await ConfigureAsync(new NamedValue("FLANNELD_ROUTE_RESYNC", "1"));
        await Machine.RunAsync("systemctl restart flanneld", Cancel);
        var (process, subnet) = (await MainPidAsync(), await SubnetAsync(0));
        await WaitForControllerAsync();

        // All API calls hang, then etcd too, each for longer than the watchdog's time limit.
        await Vpc.Control.AddFaultAsync(new { service = "*", action = "Describe*", times = -1, kind = "delay", delayMilliseconds = 60_000 },
            Cancel);
        await Vpc.Control.DeleteRouteAsync((await WaitForRouteAsync(subnet, 0)).RouteEntryId, Cancel);
        await WaitForKeepAliveMessagesAsync();
        Assert.Null(await RouteAsync(subnet));
        Vpc.Etcd.Process.Pause();
        await WaitForKeepAliveMessagesAsync();
        Vpc.Etcd.Process.Resume();
        await Vpc.Control.ClearFaultsAsync(Cancel);

        await Eventually.IsAsync("the route is repaired", async () => await RouteAsync(subnet) is { Status: "Available" },
            Cancel, TimeSpan.FromMinutes(2));
        Assert.Equal((process, "0"), (await MainPidAsync(), await UnitAsync("NRestarts")));
        Assert.Equal("active", await UnitAsync("ActiveState"));
    }

    /// <summary>Waits until the daemon has sent watchdog keep-alive messages for twice the watchdog's time limit.</summary>
    private async Task WaitForKeepAliveMessagesAsync()
    {
        var first = await LastKeepAliveAsync();
        await Eventually.IsAsync("watchdog keep-alive messages are sent",
            async () => await LastKeepAliveAsync() - first > TimeSpan.FromSeconds(2 * WatchdogSeconds), Cancel);
    }

    private async Task<TimeSpan> LastKeepAliveAsync() =>
        TimeSpan.FromMicroseconds(double.Parse(await UnitAsync("WatchdogTimestampMonotonic"), CultureInfo.InvariantCulture));
}
