using Flannel.Testbed;

namespace Flanneld.Packaging;

/// <summary>The deb on a Debian with a real systemd, from the installation to the last trace.</summary>
public sealed class DebTests : MachineTest
{
    [Fact]
    public async Task Install_configure_ready_remove()
    {
        await StartMachineAsync();

        // apt does not wait for a daemon that waits for an etcd that nobody has named yet.
        await InstallAsync();
        Assert.Matches("^flanneld:x:[0-9]+:[0-9]+:.*:/nonexistent:/usr/sbin/nologin$", (await Machine.RunAsync("getent passwd flanneld", Cancel)).Trim());
        Assert.Equal("enabled", (await Machine.RunAsync("systemctl is-enabled flanneld", Cancel)).Trim());
        await Eventually.IsAsync("Debian has started it", async () => await UnitAsync("ActiveState") == "activating" && (await UnitAsync("StatusText")).Contains("etcd", StringComparison.Ordinal), Cancel);
        Assert.Null(await ReadAsync(SubnetFile));

        // restart returns when READY=1 has come, and by then all is there.
        await ConfigureAsync();
        await Machine.RunAsync("systemctl restart flanneld", Cancel);
        var environment = await SubnetEnvAsync();
        var subnet = await SubnetAsync(0);
        var route = await RouteAsync(subnet);
        Assert.Equal(("active", "running"), (await UnitAsync("ActiveState"), await UnitAsync("SubState")));
        Assert.Equal(("Available", Vpc.Instances[0].InstanceId), (route?.Status, route?.NextHopId));
        Assert.Equal((TestVpc.Network, subnet[..subnet.IndexOf('/', StringComparison.Ordinal)]), (environment["FLANNEL_NETWORK"], NetworkOf(environment["FLANNEL_SUBNET"])));
        Assert.Contains($"subnet {subnet}, route: ", await UnitAsync("StatusText"), StringComparison.Ordinal);
        Assert.Contains($"Status: \"subnet {subnet}", await Machine.RunAsync("systemctl status --no-pager flanneld", Cancel), StringComparison.Ordinal);
        Assert.Equal("644 flanneld flanneld", (await Machine.RunAsync($"stat --format='%a %U %G' {SubnetFile}", Cancel)).Trim());
        var process = await MainPidAsync();

        // Without the package there is no daemon; the containers keep their subnet, and the settings wait for another try.
        await Machine.RunAsync("apt-get remove --yes flanneld", Cancel);
        Assert.Equal("not-found", await UnitAsync("LoadState"));
        Assert.False(Directory.Exists(Machine.PathOf($"/proc/{process}")), "the daemon runs on");
        Assert.Equal(environment, await SubnetEnvAsync());
        Assert.Contains($"FLANNELD_ETCD_ENDPOINTS=http://{VpcTopology.EtcdAddress}:2379", await ReadAsync(Settings), StringComparison.Ordinal);
        Assert.Equal(subnet, await SubnetAsync(0));
        Assert.NotNull(await RouteAsync(subnet));
    }

    private static string NetworkOf(string first) => first[..first.LastIndexOf('.')] + ".0";
}
