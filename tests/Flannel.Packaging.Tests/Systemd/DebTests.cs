using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Systemd;

/// <summary>The deb on a Debian with a real systemd: installation, upgrade, reboot, removal.</summary>
public sealed class DebTests : MachineTest
{
    [Fact]
    public async Task Installed_and_configured_the_daemon_becomes_ready_and_removal_keeps_lease_and_settings()
    {
        await StartMachineAsync();

        // apt does not wait for the daemon, which waits for etcd.
        await InstallAsync();
        Assert.Matches("^flanneld:x:[0-9]+:[0-9]+:.*:/nonexistent:/usr/sbin/nologin$",
            (await Machine.RunAsync("getent passwd flanneld", Cancel)).Trim());
        Assert.Equal("enabled", (await Machine.RunAsync("systemctl is-enabled flanneld", Cancel)).Trim());
        await Eventually.IsAsync("the package has started the daemon", async () => await UnitAsync("ActiveState") == "activating"
            && (await UnitAsync("StatusText")).Contains("etcd", StringComparison.Ordinal), Cancel);
        Assert.Null(await ReadAsync(SubnetFile));

        // systemctl restart returns after READY=1; lease, route and file exist then.
        await ConfigureAsync();
        await Machine.RunAsync("systemctl restart flanneld", Cancel);
        var environment = await SubnetEnvAsync();
        var subnet = await SubnetAsync(0);
        var route = await RouteAsync(subnet);
        Assert.Equal(("active", "running"), (await UnitAsync("ActiveState"), await UnitAsync("SubState")));
        Assert.Equal(("Available", Vpc.Instances[0].InstanceId), (route?.Status, route?.NextHopId));
        Assert.Equal((TestVpc.Network, subnet[..subnet.IndexOf('/', StringComparison.Ordinal)]),
            (environment["FLANNEL_NETWORK"], NetworkOf(environment["FLANNEL_SUBNET"])));
        Assert.Contains($"subnet {subnet}, route: ", await UnitAsync("StatusText"), StringComparison.Ordinal);
        Assert.Contains($"Status: \"subnet {subnet}",
            await Machine.RunAsync("systemctl status --no-pager flanneld", Cancel), StringComparison.Ordinal);
        Assert.Equal("644 flanneld flanneld", (await Machine.RunAsync($"stat --format='%a %U %G' {SubnetFile}", Cancel)).Trim());
        var process = await MainPidAsync();

        // Removal stops the daemon and keeps subnet.env, lease, route and settings.
        await Machine.RunAsync("apt-get remove --yes flanneld", Cancel);
        Assert.Equal("not-found", await UnitAsync("LoadState"));
        Assert.False(Directory.Exists(Machine.PathOf($"/proc/{process}")), "the daemon still runs");
        Assert.Equal(environment, await SubnetEnvAsync());
        Assert.Contains($"FLANNELD_ETCD_ENDPOINTS=http://{VpcTopology.EtcdAddress}:2379",
            await ReadAsync(Settings), StringComparison.Ordinal);
        Assert.Equal(subnet, await SubnetAsync(0));
        Assert.NotNull(await RouteAsync(subnet));
    }

    [Fact]
    public async Task Purge_removes_all_files_and_keeps_the_lease()
    {
        await StartMachineAsync();
        await InstallReadyAsync();
        await DropInAsync("docker.conf", "docker");
        var owned = (await Machine.RunAsync("dpkg --listfiles flanneld", Cancel)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var files = owned.Where(path => path.Contains("flannel", StringComparison.Ordinal)).ToArray();
        Assert.Contains("/usr/sbin/flanneld", files);
        var lease = await HeldLeaseAsync();

        await Machine.RunAsync("apt-get purge --yes flanneld", Cancel);

        Assert.DoesNotContain(files, path => Path.Exists(Machine.PathOf(path)));
        // Files of the administrator and the user stay: the user id must not be reused.
        var left = (await Machine.RunAsync(
            "find / -xdev -iname '*flannel*' -not -path '/proc/*' -not -path '/packages*' -not -path '/var/log/journal/*'; "
            + "find /run -iname '*flannel*'", Cancel)).Trim();
        Assert.Equal("/etc/systemd/system/docker.service.d/flannel.conf", left);
        Assert.Equal("",
            (await Machine.RunAsync("dpkg-query --show --showformat='${db:Status-Abbrev}' flanneld 2>/dev/null || true", Cancel)).Trim());
        Assert.Equal(lease, await HeldLeaseAsync());
        Assert.NotNull(await RouteAsync(SubnetOf(lease)));
        Assert.Empty((await Machine.RunAsync("systemctl --failed --plain --no-legend", Cancel)).Trim());
    }

    [Fact]
    public async Task An_upgrade_under_load_interrupts_no_traffic()
    {
        await StartMachineAsync(instances: 2);
        await Packages.OlderDebAsync(Path.Combine(PackageFolder, "flanneld.deb"), PackageFolder, Cancel);
        await InstallReadyAsync(OlderDeb);
        Assert.Equal(Packages.OlderVersion, await VersionAsync());
        await StartReadyAsync(1);
        await File.WriteAllTextAsync(Vpc.Instances[0].SubnetFile, await ReadAsync(SubnetFile), Cancel);
        await using var here = await Flannel.Testbed.Container.StartAsync(Vpc.Instances[0], Cancel);
        await using var there = await Flannel.Testbed.Container.StartAsync(Vpc.Instances[1], Cancel);
        await here.WaitForPingAsync(there.Address, Cancel);
        var (lease, process, settings) = (await HeldLeaseAsync(), await MainPidAsync(), await ReadAsync(Settings));
        var route = await RouteAsync(SubnetOf(lease));
        await Vpc.Control.ClearCallsAsync(Cancel);

        await using var poller = new FilePoller(Machine.PathOf(SubnetFile));
        var upgrade = InstallAsync();
        var (sent, received) = (0, 0);
        do
        {
            var pings = await here.PingAsync(there.Address, Cancel, count: 10);
            (sent, received) = (sent + pings.Sent, received + pings.Received);
            Assert.Equal(route, await RouteAsync(SubnetOf(lease)));
        }
        while (!upgrade.IsCompleted);
        await upgrade;
        await WaitForRestartAsync(process);

        Assert.NotEqual(Packages.OlderVersion, await VersionAsync());
        Assert.Equal((sent, 0), (received, poller.Mismatches));
        Assert.True(poller.Reads > 100, $"subnet.env was read only {poller.Reads} times");
        Assert.Equal(lease, await HeldLeaseAsync());
        Assert.Equal(route, await RouteAsync(SubnetOf(lease)));
        Assert.Empty(await RouteWritesAsync());
        // The edited settings are kept; the new defaults are in the .dpkg-dist file.
        Assert.Equal(settings, await ReadAsync(Settings));
        Assert.DoesNotContain("previous version", await ReadAsync($"{Settings}.dpkg-dist"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reboot_keeps_the_subnet_without_an_API_call()
    {
        await StartMachineAsync();
        await InstallReadyAsync();
        var (environment, lease) = (await ReadAsync(SubnetFile), await HeldLeaseAsync());
        var route = await RouteAsync(SubnetOf(lease));
        await Vpc.Control.StopApiAsync(Cancel);
        await Vpc.Control.ClearCallsAsync(Cancel);

        // The boot is complete after all enabled units have started, including flanneld with READY=1.
        await Machine.RebootAsync(Cancel);
        await AssertUnchangedAsync();

        await Machine.CrashAsync(Cancel);
        // Only empty control groups remain, as after a kill of this process; the next run removes them.
        Assert.DoesNotContain(SystemdMachine.RemainingResources(Machine.Name, Vpc.Folder.Path),
            left => !left.StartsWith("/sys/fs/cgroup/", StringComparison.Ordinal));
        await Machine.BootAsync(Cancel);
        await AssertUnchangedAsync();
        Assert.Empty(await Vpc.Control.ApiCallsAsync(Cancel));

        async Task AssertUnchangedAsync()
        {
            Assert.Equal("active", await UnitAsync("ActiveState"));
            Assert.Equal(environment, await ReadAsync(SubnetFile));
            Assert.Equal(lease, await HeldLeaseAsync());
            Assert.Equal(route, await RouteAsync(SubnetOf(lease)));
        }
    }

    private async Task<string> VersionAsync() =>
        (await Machine.RunAsync("dpkg-query --show --showformat='${Version}' flanneld", Cancel)).Trim();

    private static string NetworkOf(string first) => first[..first.LastIndexOf('.')] + ".0";
}
