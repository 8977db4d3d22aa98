using System.Net;
using Flannel.Packaging.Tests.Files;
using Flannel.Packaging.Tests.Repository;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Systemd;

/// <summary>Runs the commands of the pages for rpm distributions with the real dnf: README.md and docs/upgrade.md. No root of such a
/// distribution is available for the tests: a package without files provides what the rpm requires, in a Debian with systemd.</summary>
public sealed class RpmPageTests : DocumentedMachineTest
{
    private const string Scenario = "rpm";
    private const string RpmSettings = "/etc/sysconfig/flanneld";

    private const string Spec = """
        Name: distribution
        Version: 1
        Release: 1
        Summary: What an rpm distribution provides
        License: MIT
        BuildArch: noarch
        Provides: /bin/sh bash ca-certificates shadow-utils systemd = 239
        %description
        What an rpm distribution provides.
        %files

        """;

    [Fact]
    public async Task The_commands_of_the_pages_install_upgrade_and_downgrade_the_rpm()
    {
        var rpm = Packages.Rpm;
        await StartMachineAsync(root: DebianRootKind.Pages);
        await PrepareAsync();
        await MakeDistributionAsync();
        await using var repository = await SignedRepository.MakeAsync(Packages.OlderVersion);
        await using var server = await FileServer.StartAsync(Vpc.Instances[0].Namespace!,
            new IPEndPoint(IPAddress.Loopback, new Uri(repository.Url).Port), repository.Served);
        if (Blocks("README.md", Scenario) is not [var file, var fromRepository])
            throw new TestbedException("README.md has other blocks: change this test");

        // The node has the older release, from a file.
        var served = Path.Combine(repository.Served, "yum", Packages.RpmArchitecture);
        var older = Directory.GetFiles(served, $"flanneld-{Packages.OlderVersion}*").Single();
        File.Copy(older, Path.Combine(PackageFolder, Path.GetFileName(older)));
        await Machine.RunAsync($"cp /packages/flanneld-*.rpm {Home}", Cancel);
        await RunAsync(file);
        Assert.Equal(Packages.OlderVersion, await VersionAsync());
        await ConfigureAsync(RpmSettings);
        await Machine.RunAsync("systemctl restart flanneld", Cancel);
        var lease = await HeldLeaseAsync();

        (string, string) address = ("https://packages.example.com", repository.Url);
        await RunAsync(fromRepository, Machine, address);
        if (Blocks("docs/upgrade.md", Scenario) is not [var upgrade, var downgrade])
            throw new TestbedException("docs/upgrade.md has other blocks: change this test");
        await RunAsync(upgrade);
        var newest = await VersionAsync();
        Assert.Contains($"-{newest}-", Path.GetFileName(rpm), StringComparison.Ordinal);
        Assert.Equal(lease, await HeldLeaseAsync());
        await RunAsync(downgrade);
        Assert.Equal(Packages.OlderVersion, await VersionAsync());

        // The last line of the section about removal, with an rpm. Then the repository has the only package.
        await Machine.RunAsync("dnf remove -y flanneld", Cancel);
        Assert.Equal("not-found", await UnitAsync("LoadState"));
        await RunAsync(fromRepository, Machine, address);
        Assert.Equal(newest, await VersionAsync());
    }

    private Task<string> VersionAsync() => Machine.RunAsync("rpm --query --queryformat '%{VERSION}' flanneld", Cancel);

    /// <summary>Gives rpm what is not installed as an rpm, and lets dnf ask nothing.</summary>
    private async Task MakeDistributionAsync()
    {
        var top = Directory.CreateDirectory(Path.Combine(Vpc.Folder.Path, "distribution")).FullName;
        var spec = Path.Combine(top, "distribution.spec");
        await File.WriteAllTextAsync(spec, Spec, Cancel);
        await Run.OutputAsync("rpmbuild", "-bb", "--define", $"_topdir {top}", "--define", "_binary_payload w1.gzdio", spec);
        File.Copy(Directory.GetFiles(Path.Combine(top, "RPMS"), "*.rpm", SearchOption.AllDirectories).Single(),
            Path.Combine(PackageFolder, "distribution.rpm"));
        await Machine.RunAsync("rpm --install --nodeps /packages/distribution.rpm", Cancel);
        await Machine.WriteAsync("/etc/dnf/dnf.conf", "[main]\nassumeyes=1\ngpgcheck=1\n", Cancel);
        await Machine.WriteAsync("/etc/dnf/vars/releasever", "1\n", Cancel);
        await Machine.RunAsync("mkdir -p /etc/yum.repos.d", Cancel);
    }
}
