using Flannel.Packaging.Tests.Files;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Repository;

/// <summary>The yum repository on a web server: dnf installs, upgrades and removes the rpm, and checks all signatures.</summary>
public sealed class DnfTests : IDisposable
{
    private readonly RunFolder folder = new("dnf");

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Dnf_installs_upgrades_and_removes_the_package()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "dnf --installroot needs root");
        await using var repository = await SignedRepository.MakeAsync(Packages.OlderVersion);
        var host = await MinimalRpmHost.MakeAsync(folder, repository);

        // The presets of the distribution decide whether the unit is enabled; nothing is started.
        await SucceedAsync(host.DnfAsync("install", "minimal-host", $"flanneld-{Packages.OlderVersion}"));
        Assert.Equal(
            ["groupadd -r flanneld", "useradd -r -g flanneld -d /nonexistent -M -s /sbin/nologin -c flannel for Alibaba Cloud VPC flanneld",
                "systemctl --no-reload preset flanneld.service"],
            await host.CallsAsync());
        Assert.Equal(await Run.Sha256Async(Packages.Executable), await Run.Sha256Async(host.PathOf("/usr/sbin/flanneld")));
        Assert.True(File.Exists(host.PathOf("/usr/lib/systemd/system/flanneld.service")));
        Assert.Contains("/usr/libexec/flannel/mk-docker-opts.sh -c",
            await File.ReadAllTextAsync(host.PathOf("/usr/share/doc/flanneld/examples/docker.conf"), Run.Cancel));

        // After the upgrade the settings are unchanged, and a running daemon is restarted without waiting.
        await File.AppendAllTextAsync(host.PathOf("/etc/sysconfig/flanneld"),
            "FLANNELD_ETCD_ENDPOINTS=http://192.168.1.11:2379\n", Run.Cancel);
        await SucceedAsync(host.DnfAsync("upgrade", "flanneld"));
        Assert.Equal(["systemctl daemon-reload", "systemctl --no-block try-restart flanneld.service"], await host.CallsAsync());
        Assert.Contains("192.168.1.11", await File.ReadAllTextAsync(host.PathOf("/etc/sysconfig/flanneld"), Run.Cancel));
        var query = await Run.OutputAsync("rpm", "--root", host.Root, "--query", "--queryformat",
            "%{VERSION} %|RSAHEADER?{signed}:{unsigned}|", "flanneld");
        Assert.Equal($"{(await Run.OutputAsync("dpkg-deb", "--field", Packages.Deb, "Version")).Trim()} signed", query);

        // After the removal only the changed settings and the user remain.
        Directory.CreateDirectory(host.PathOf("/run/flannel"));
        Directory.CreateDirectory(host.PathOf("/var/lib/flannel"));
        await SucceedAsync(host.DnfAsync("remove", "flanneld"));
        Assert.Equal(["systemctl --no-reload disable flanneld.service", "systemctl stop flanneld.service", "systemctl daemon-reload"],
            await host.CallsAsync());
        Assert.Contains("192.168.1.11", await File.ReadAllTextAsync(host.PathOf("/etc/sysconfig/flanneld.rpmsave"), Run.Cancel));
        Assert.Contains("flanneld:", await File.ReadAllTextAsync(host.PathOf("/etc/passwd"), Run.Cancel));
        string[] all =
        [
            "/run/flannel", "/var/lib/flannel", "/usr/sbin/flanneld", "/usr/libexec/flannel", "/usr/share/doc/flanneld",
            "/usr/share/licenses/flanneld", "/usr/lib/systemd/system/flanneld.service",
        ];
        Assert.All(all, path => Assert.False(Path.Exists(host.PathOf(path)), path));
    }

    /// <summary>The options of packaging/cloud-init, for instances without access to the Internet.</summary>
    [Fact]
    public async Task Dnf_installs_the_package_although_the_other_repositories_are_unreachable()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "dnf --installroot needs root");
        await using var repository = await SignedRepository.MakeAsync();
        var host = await MinimalRpmHost.MakeAsync(folder, repository);
        await SucceedAsync(host.DnfAsync("install", "minimal-host"));
        await host.AddUnreachableRepositoryAsync();

        var all = await host.DnfAsync("install", "flanneld");
        Assert.NotEqual(0, all.ExitCode);
        Assert.Contains("unreachable", all.Output + all.Error, StringComparison.Ordinal);
        string[] options = ["--disablerepo=*", "--enablerepo=flanneld"];
        Assert.Contains(string.Join(' ', options).Replace("*", "'*'", StringComparison.Ordinal), Cloud.Templates.UserData("node"),
            StringComparison.Ordinal);
        await SucceedAsync(host.DnfAsync([.. options, "install", "flanneld"]));
        Assert.True(File.Exists(host.PathOf("/usr/sbin/flanneld")));
    }

    [Fact]
    public async Task Dnf_refuses_modified_metadata()
    {
        await using var repository = await SignedRepository.MakeAsync();
        var host = await MinimalRpmHost.MakeAsync(folder, repository);
        var list = Path.Combine(repository.Served, "yum", Packages.RpmArchitecture, "repodata/repomd.xml");
        await File.WriteAllTextAsync(list,
            (await File.ReadAllTextAsync(list, Run.Cancel)).Replace("<revision>", "<revision>9", StringComparison.Ordinal), Run.Cancel);
        var result = await host.DnfAsync("install", "flanneld");
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("Bad GPG signature", result.Output + result.Error);
    }

    private static async Task SucceedAsync(Task<CommandResult> running)
    {
        var result = await running;
        Assert.True(result.ExitCode == 0, result.Output + result.Error);
        // rpm continues after a failed scriptlet.
        Assert.DoesNotContain("scriptlet failed", result.Output + result.Error);
    }
}
