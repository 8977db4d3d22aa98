namespace Flannel.Packaging.Tests.Systemd;

/// <summary>The rpm with a real systemd. No rpm distribution is available for the tests: Debian's rpm installs it, without its
/// dependencies.</summary>
public sealed class RpmTests : MachineTest
{
    private const string RpmSettings = "/etc/sysconfig/flanneld";

    [Fact]
    public async Task The_rpm_is_installed_upgraded_and_erased_and_the_node_keeps_its_lease()
    {
        var rpm = Packages.Rpm;
        await StartMachineAsync();
        File.Copy(rpm, Path.Combine(PackageFolder, "flanneld.rpm"));
        await Packages.OlderRpmAsync(Vpc.Folder, Path.Combine(PackageFolder, "flanneld-older.rpm"), Cancel);

        // The installation starts nothing. The presets decide whether the unit is enabled; those of Debian enable all units.
        await Machine.RunAsync("rpm --install --nodeps /packages/flanneld-older.rpm", Cancel);
        Assert.Equal("enabled", (await Machine.RunAsync("systemctl is-enabled flanneld", Cancel)).Trim());
        Assert.Equal("inactive", await UnitAsync("ActiveState"));
        Assert.Matches("^flanneld:x:[0-9]+:[0-9]+:.*:/nonexistent:/(usr/)?sbin/nologin$",
            (await Machine.RunAsync("getent passwd flanneld", Cancel)).Trim());
        await ConfigureAsync(RpmSettings);
        var settings = await ReadAsync(RpmSettings);

        await Machine.RebootAsync(Cancel);
        Assert.Equal("active", await UnitAsync("ActiveState"));
        var (lease, process) = (await HeldLeaseAsync(), await MainPidAsync());
        Assert.Equal("Available", (await RouteAsync(SubnetOf(lease)))?.Status);

        await using (var poller = new FilePoller(Machine.PathOf(SubnetFile)))
        {
            await Machine.RunAsync("rpm --upgrade --nodeps /packages/flanneld.rpm", Cancel);
            await WaitForRestartAsync(process);
            Assert.Equal(0, poller.Mismatches);
        }
        Assert.NotEqual(Packages.OlderVersion, (await Machine.RunAsync("rpm --query --queryformat '%{VERSION}' flanneld", Cancel)).Trim());
        Assert.Equal(lease, await HeldLeaseAsync());
        Assert.Equal(settings, await ReadAsync(RpmSettings));

        await Machine.RunAsync(
            "ip link add flannel.1 type vxlan id 1 dstport 8472; ip link set flannel.1 up;"
            + " ip route add 10.24.250.0/24 via 10.24.250.0 dev flannel.1 onlink proto 142; nft add table ip flannel_ali_vpc_10.24.0.0_16",
            Cancel);
        await Machine.RunAsync("rpm --erase --nodeps flanneld", Cancel);
        Assert.DoesNotContain("flannel", await Machine.RunAsync("nft list ruleset; ip link show; ip route show proto 142", Cancel),
            StringComparison.OrdinalIgnoreCase);
        Assert.Equal(("not-found", "inactive"), (await UnitAsync("LoadState"), await UnitAsync("ActiveState")));
        Assert.Null(await ReadAsync(RpmSettings));
        Assert.Equal(settings, await ReadAsync($"{RpmSettings}.rpmsave"));
        Assert.Empty(
            (await Machine.RunAsync(
                "find / /run -xdev -iname '*flannel*' -not -path '/proc/*' -not -path '/packages*'"
                + " -not -path '/var/log/journal/*' -not -name flanneld.rpmsave", Cancel)).Trim());
        Assert.Equal(lease, await HeldLeaseAsync());
    }
}
