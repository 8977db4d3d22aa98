using System.Text.RegularExpressions;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Cloud;

/// <summary>
/// The steps of the user data as one script, as cloud-init runs them, with simulated programs in a folder: what they call without access to
/// the Internet, after a failure, and at a second run. <see cref="CloudInitTests"/> runs them with real ones on Debian.
/// </summary>
public sealed class UserDataStepTests : IDisposable
{
    private const string FirstLine = "flanneld user data: FAILED: ";

    private readonly RunFolder folder = new("steps");

    private string Root => Path.Combine(folder.Path, "root");

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task The_rpm_comes_from_the_repository_alone()
    {
        await PrepareAsync(rpm: true);
        var result = await RunAsync("node");

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal(["yum -y --disablerepo=* --enablerepo=flanneld install flanneld", "systemctl restart systemd-sysctl",
            "systemctl enable --now flanneld"], Calls());
        Assert.Equal($"""
            [flanneld]
            name=flanneld
            baseurl={Templates.ExampleRepository}/yum/$basearch
            gpgcheck=1
            repo_gpgcheck=1
            gpgkey={Templates.ExampleRepository}/flanneld.asc

            """, await ReadAsync("/etc/yum.repos.d/flanneld.repo"));
    }

    [Fact]
    public async Task The_deb_comes_from_the_repository_alone()
    {
        await PrepareAsync(rpm: false);
        var result = await RunAsync("node");

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        var calls = Calls();
        Assert.Equal($"apt-helper download-file {Templates.ExampleRepository}/flanneld.asc {Root}/etc/apt/keyrings/flanneld.asc", calls[0]);
        Assert.Contains("-o Dir::Etc::SourceList=sources.list.d/flanneld.list -o Dir::Etc::SourceParts=- ", calls[1],
            StringComparison.Ordinal);
        Assert.EndsWith(" update", calls[1], StringComparison.Ordinal);
        Assert.EndsWith(" install flanneld", calls[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_repository_that_is_reachable_later_is_retried()
    {
        await PrepareAsync(rpm: true);
        await FakeAsync("yum", $"[ -e {Root}/second ] || {{ : >{Root}/second; exit 1; }}");
        Assert.Equal(0, (await RunAsync("node")).ExitCode);
        Assert.Equal(2, Calls().Count(call => call.StartsWith("yum ", StringComparison.Ordinal)));
        Assert.Contains("sleep 5", Calls());
    }

    [Theory]
    [InlineData("yum", "installation of flanneld from " + Templates.ExampleRepository)]
    [InlineData("systemctl", "start of flanneld, see \"journalctl -u flanneld\"")]
    public async Task A_failed_step_ends_with_one_clear_line(string program, string step)
    {
        await PrepareAsync(rpm: true);
        await FakeAsync(program, "case $* in *flanneld*) echo cause >&2; exit 3 ;; esac");
        var result = await RunAsync("node");
        Assert.Equal(3, result.ExitCode);
        Assert.EndsWith($"cause\n{FirstLine}{step}: see the messages above\n", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_package_etcd_comes_from_the_repository_once()
    {
        await PrepareAsync(rpm: true);
        await OfferEtcdAsync();
        var first = await RunAsync("etcd");

        Assert.Equal((0, ""), (first.ExitCode, first.Error));
        var archive = Assert.Single(Calls(), call => call.StartsWith("curl ", StringComparison.Ordinal));
        Assert.Matches($@" {Templates.ExampleRepository}/etcd/etcd-v[\d.]+-linux-(amd64|arm64)\.tar\.gz$", archive);
        Assert.Contains("User=etcd\n", await ReadAsync("/etc/systemd/system/etcd.service"), StringComparison.Ordinal);
        Assert.Contains("useradd --system --home-dir /var/lib/etcd --shell /sbin/nologin etcd", Calls());
        Assert.Contains("etcdctl get /coreos.com/network/config", Calls());
        Assert.Contains(Calls(), call => call.StartsWith("etcdctl put /coreos.com/network/config ", StringComparison.Ordinal));

        // A second run downloads nothing and keeps the configuration.
        File.Delete(Path.Combine(Root, "calls"));
        await FakeAsync("etcdctl", "case $1 in get) echo configured ;; esac", Path.Combine(Root, "usr/local/bin"));
        Assert.Equal(0, (await RunAsync("etcd")).ExitCode);
        Assert.DoesNotContain(Calls(), call => call.StartsWith("curl ", StringComparison.Ordinal)
            || call.StartsWith("useradd ", StringComparison.Ordinal) || call.StartsWith("etcdctl put ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_archive_of_etcd_with_another_checksum_is_not_unpacked()
    {
        await PrepareAsync(rpm: true);
        await OfferEtcdAsync();
        var result = await RunAsync("etcd", checksum: false);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains($"{FirstLine}download of {Templates.ExampleRepository}/etcd/etcd-v", result.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Path.Combine(Root, "usr/local/bin")));
    }

    [Fact]
    public async Task Without_a_mirror_etcd_comes_from_the_repository_on_Debian_too()
    {
        await PrepareAsync(rpm: false);
        await FakeAsync("apt-get", "case $* in *etcd* | *Timeout=20*) exit 100 ;; esac");
        await OfferEtcdAsync();
        Assert.Equal(0, (await RunAsync("etcd")).ExitCode);
        Assert.Single(Calls(), call => call.StartsWith("curl ", StringComparison.Ordinal));
        Assert.DoesNotContain(Calls(), call => call.StartsWith("sleep ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("node")]
    [InlineData("etcd")]
    public async Task A_node_without_flanneld_has_nothing_to_release(string role)
    {
        await PrepareAsync(rpm: true);
        var program = Templates.Yaml(Templates.UserData(role))["write_files"]!.AsArray().Single(file => file!["permissions"] is not null)!;
        var without = await RunScriptAsync((string)program["content"]!);
        Assert.Equal((0, "flanneld is not installed: nothing to release\n"), (without.ExitCode, without.Output));
        Assert.Empty(Calls());

        await FakeAsync("flanneld", "exit 4", Path.Combine(Root, "usr/sbin"));
        Assert.Equal(4, (await RunScriptAsync((string)program["content"]!)).ExitCode);
        Assert.Equal(["systemctl daemon-reload", "systemctl disable flanneld", "flanneld release --force --wait 120"], Calls());
        Assert.Equal("[Service]\nRestart=no\n", await ReadAsync("/run/systemd/system/flanneld.service.d/release.conf"));
    }

    [Fact]
    public void The_README_names_the_release_of_etcd() => Assert.Contains(
        $"/etcd-v{Regex.Match(Templates.UserData("etcd"), @"version=([\d.]+)").Groups[1].Value}-linux-amd64.tar.gz",
        Templates.Read("cloud-init", "README.md"), StringComparison.Ordinal);

    [Fact]
    public void Nothing_but_the_repository_and_the_mirrors_of_the_image_is_downloaded_from()
    {
        string[] allowed = ["http://" + Templates.ExampleEtcd, "http://0.0.0.0", "https://packages.example.com"];
        Assert.All(Templates.Roles, role =>
            Assert.All(Regex.Matches(Templates.UserData(role), @"https?://[^\s""':/$]+").Select(url => url.Value),
                url => Assert.Contains(url, allowed)));
    }

    /// <summary>Creates the programs of a host in the folder. Each records its arguments.</summary>
    private async Task PrepareAsync(bool rpm)
    {
        string[] folders =
        [
            "bin", "etc/yum.repos.d", "etc/apt/sources.list.d", "etc/systemd/system",
            "usr/local/bin", "usr/lib/apt", "usr/sbin", "var/cache",
        ];
        foreach (var name in folders)
        {
            Directory.CreateDirectory(Path.Combine(Root, name));
        }
        foreach (var tool in new[] { "sh", "mkdir", "uname", "sha256sum", "tar", "gzip", "cp" })
        {
            File.CreateSymbolicLink(Path.Combine(Root, "bin", tool), new[] { "/usr/bin/" + tool, "/bin/" + tool }.First(File.Exists));
        }
        await FakeAsync("systemctl");
        await FakeAsync("sleep");
        await FakeAsync("useradd", $": >{Root}/user");
        await FakeAsync("id", $"[ -e {Root}/user ]");
        await FakeAsync(rpm ? "yum" : "apt-get");
        await FakeAsync("apt-helper", "", Path.Combine(Root, "usr/lib/apt"));
    }

    private async Task FakeAsync(string name, string body = "", string? directory = null)
    {
        var path = Path.Combine(directory ?? Path.Combine(Root, "bin"), name);
        await File.WriteAllTextAsync(path, $"#!/bin/sh\necho \"{name} $*\" >>{Root}/calls\n{body}\n", Cancel);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>A curl that serves an archive with two programs.</summary>
    private async Task OfferEtcdAsync()
    {
        var release = Path.Combine(folder.Path, "etcd-release");
        Directory.CreateDirectory(release);
        await FakeAsync("etcd", "", release);
        await FakeAsync("etcdctl", "", release);
        await ProcessCommand.RunAsync(new ProgramStart("/bin/tar", ["-czf", Archive, "-C", folder.Path, "etcd-release"]), Cancel);
        await FakeAsync("curl", $"while [ \"$1\" != -o ]; do shift; done\ncp {Archive} \"$2\"");
    }

    private string Archive => Path.Combine(folder.Path, "etcd.tar.gz");

    /// <param name="checksum">Whether the checksums in the script are that of the offered archive.</param>
    private async Task<CommandResult> RunAsync(string role, bool checksum = true)
    {
        var script = string.Concat(Templates.Yaml(Templates.UserData(role))["runcmd"]!.AsArray().Select(step => (string?)step));
        if (checksum && File.Exists(Archive))
        {
            script = Regex.Replace(script, "sum=[0-9a-f]{64}", "sum=" + await Files.Run.Sha256Async(Archive));
        }
        return await RunScriptAsync(script);
    }

    private Task<CommandResult> RunScriptAsync(string script)
    {
        foreach (var path in new[] { "/etc/", "/run/", "/usr/local/", "/usr/lib/", "/usr/sbin/", "/var/cache/" })
        {
            script = Regex.Replace(script, $@"(?<=[ =:>""]){path}(?!etcd Restart)", Root + path);
        }
        return ProcessCommand.TryRunAsync(
            new ProgramStart("/bin/sh", ["-"]) { Environment = new Dictionary<string, string> { ["PATH"] = Path.Combine(Root, "bin") } },
            Cancel, script);
    }

    private string[] Calls() =>
        File.Exists(Path.Combine(Root, "calls")) ? File.ReadAllLines(Path.Combine(Root, "calls")) : [];

    private Task<string> ReadAsync(string path) => File.ReadAllTextAsync(Root + path, Cancel);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
