using Flannel.Testbed;
using Flanneld.Host.Reload;
using Flanneld.Observability;
using Flanneld.Options;
using Flanneld.Options.Installed;
using Flanneld.Tests.Support;

namespace Flanneld.Tests.Host.Reload;

public sealed class ReloaderTests : IDisposable
{
    private readonly RunFolder folder = new("reload");
    private readonly RecordingLogger log = new();
    private readonly LogLevels levels = new(0, isCommand: false);
    private InstalledSettings installed = InstalledSettings.None with { IsFromUnit = true };

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_changed_file_is_named_once()
    {
        var password = Path.Combine(folder.Path, "password");
        await File.WriteAllTextAsync(password, "one", Cancel);
        var reloader = Create($"--etcd-username=a --etcd-password-file={password}");
        await reloader.ReloadAsync();
        Assert.Equal(["received SIGHUP; reading files and log level again", "reload finished: nothing changed, log level -v=0"], log.Texts);

        await File.WriteAllTextAsync(password, "two", Cancel);
        await reloader.ReloadAsync();
        await reloader.ReloadAsync();
        Assert.Single(log.Lines, line => line.EventId == 1031);
        Assert.Contains($"--etcd-password-file {password} changed; the new content is used from the next connection", log.Texts);
        Assert.Contains("reload finished: 1 change, log level -v=0", log.Texts);
        Assert.DoesNotContain(log.Texts, text => text.Contains("two", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_is_a_problem()
    {
        var key = Path.Combine(folder.Path, "key");
        await File.WriteAllTextAsync(key, "{}", Cancel);
        var reloader = Create($"--access-key-file={key}");
        File.Delete(key);
        await reloader.ReloadAsync();
        Assert.Contains($"reload: --access-key-file {key} does not exist; the former content stays in use", log.Texts);
    }

    [Fact]
    public async Task Certificates_that_cannot_be_used_are_a_problem()
    {
        var authority = Path.Combine(folder.Path, "ca.pem");
        await File.WriteAllTextAsync(authority, "first", Cancel);
        var reloader = Create($"--etcd-endpoints=https://192.168.1.11:2379 --etcd-cafile={authority}");
        await File.WriteAllTextAsync(authority, "no certificate", Cancel);
        await reloader.ReloadAsync();
        Assert.Contains(log.Texts, text => text.StartsWith("reload: etcd: ", StringComparison.Ordinal)
            && text.EndsWith("the former content stays in use", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_kubeconfig_that_cannot_be_used_is_a_problem()
    {
        var kubeconfig = Path.Combine(folder.Path, "kubeconfig");
        const string usable = """
            current-context: c
            contexts: [{name: c, context: {cluster: k}}]
            clusters: [{name: k, cluster: {server: "https://192.168.1.11:6443"}}]
            """;
        await File.WriteAllTextAsync(kubeconfig, usable, Cancel);
        var reloader = Create($"--kube-subnet-mgr --kubeconfig-file={kubeconfig}");
        await File.WriteAllTextAsync(kubeconfig, usable.Replace("6443", "6444", StringComparison.Ordinal), Cancel);
        await reloader.ReloadAsync();
        Assert.Contains($"--kubeconfig-file {kubeconfig} changed; the new content is used from the next connection", log.Texts);
        Assert.DoesNotContain(log.Texts, text => text.StartsWith("reload: ", StringComparison.Ordinal));

        await File.WriteAllTextAsync(kubeconfig, "current-context: other", Cancel);
        await reloader.ReloadAsync();
        Assert.Contains(
            $"reload: kubeconfig {kubeconfig} has no context \"other\", which is its current-context; the former content stays in use",
            log.Texts);
    }

    [Fact]
    public async Task The_log_level_of_the_service_is_applied_and_other_settings_need_a_restart()
    {
        var reloader = Create("");
        installed = new InstalledSettings(
            new Dictionary<string, InstalledVariable>
            {
                ["FLANNELD_V"] = new("2", "/etc/default/flanneld"),
                ["FLANNELD_ETCD_PREFIX"] = new("/other", "/etc/default/flanneld"),
            }, [])
        {
            IsFromUnit = true,
        };
        await reloader.ReloadAsync();
        Assert.Equal(2, levels.Verbosity);
        Assert.Contains("log level changed from -v=0 to -v=2", log.Texts);
        Assert.Contains("FLANNELD_ETCD_PREFIX changed in /etc/default/flanneld; restart flanneld to apply it", log.Texts);

        installed = InstalledSettings.None with { IsFromUnit = true };
        await reloader.ReloadAsync();
        Assert.Equal(0, levels.Verbosity);
    }

    [Fact]
    public async Task A_settings_file_that_cannot_be_read_changes_nothing_and_is_named()
    {
        levels.Verbosity = 2;
        installed = InstalledSettings.None with { Problems = ["/etc/default/flanneld may not be read by this user"] };
        await Create("").ReloadAsync();
        Assert.Equal(2, levels.Verbosity);
        Assert.Contains("reload: /etc/default/flanneld may not be read by this user", log.Texts);
    }

    [Fact]
    public async Task An_invalid_log_level_changes_nothing()
    {
        installed = new InstalledSettings(
            new Dictionary<string, InstalledVariable> { ["FLANNELD_V"] = new("loud", "/etc/default/flanneld") }, [])
        {
            IsFromUnit = true,
        };
        await Create("").ReloadAsync();
        Assert.Contains(log.Texts, text => text.EndsWith("; the log level stays -v=0", StringComparison.Ordinal));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private Reloader Create(string arguments)
    {
        string[] given = arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var options = CommandLine.Parse(given, new Dictionary<string, string>()).Value;
        var start = new StartSettings([], new Dictionary<string, string>());
        return new Reloader(options, start, () => Task.FromResult(installed), ReloadedFiles.Of(options), levels, log);
    }
}
