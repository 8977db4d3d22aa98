using Flannel.Testbed;
using Flanneld.Options;
using Flanneld.Options.Installed;

namespace Flanneld.Tests.Options.Installed;

public sealed class InstalledSettingsTests : IDisposable
{
    private readonly RunFolder folder = new("installed");
    private string? shown;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_command_uses_the_settings_of_the_packages_file()
    {
        Write(
            "/etc/default/flanneld",
            "FLANNELD_ETCD_ENDPOINTS=http://192.168.1.11:2379\nFLANNELD_HEALTHZ_PORT=8471\nFLANNELD_OPTIONS=--iface=eth1 --iface eth2");
        var options = await ParseAsync("check");
        Assert.Equal("http://192.168.1.11:2379", options.EtcdEndpoints);
        Assert.Equal(8471, options.HealthzPort);
        Assert.Equal(["eth1", "eth2"], options.Interfaces);
        Assert.Contains(new SettingSource("--etcd-endpoints", "/etc/default/flanneld", "http://192.168.1.11:2379"), options.Sources);
    }

    [Fact]
    public async Task The_rpms_file_is_read_too()
    {
        Write("/etc/sysconfig/flanneld", "FLANNELD_ETCD_PREFIX=/cluster\n");
        Assert.Equal("/cluster", (await ParseAsync("routes")).EtcdKeys.Prefix);
    }

    [Fact]
    public async Task A_flag_or_variable_of_the_command_has_precedence()
    {
        Write("/etc/default/flanneld", "FLANNELD_ETCD_ENDPOINTS=http://192.168.1.11:2379\nFLANNELD_ETCD_PREFIX=/cluster");
        var options = await ParseAsync(["check", "--etcd-prefix=/mine"], ("FLANNELD_ETCD_ENDPOINTS", "http://192.168.1.12:2379"));
        Assert.Equal("http://192.168.1.12:2379", options.EtcdEndpoints);
        Assert.Equal("/mine", options.EtcdKeys.Prefix);
    }

    [Fact]
    public async Task A_variable_of_the_command_has_precedence_over_a_flag_of_the_unit()
    {
        Write("/etc/default/flanneld", "FLANNELD_OPTIONS=--etcd-prefix=/cluster");
        Assert.Equal("/mine", (await ParseAsync(["check"], ("FLANNELD_ETCD_PREFIX", "/mine"))).EtcdKeys.Prefix);
    }

    [Fact]
    public async Task Drop_ins_are_read_from_systemd()
    {
        Write("/etc/default/flanneld", "FLANNELD_ETCD_PREFIX=/file\nFLANNELD_OPTIONS=--iface=eth1");
        shown = """
            LoadState=loaded
            Environment=FLANNELD_ETCD_PREFIX=/drop-in FLANNELD_HEALTHZ_PORT=8471
            EnvironmentFiles=/etc/default/flanneld (ignore_errors=yes)
            ExecStart={ path=/usr/sbin/flanneld ; argv[]=/usr/sbin/flanneld --public-ip=192.168.1.5 $FLANNELD_OPTIONS ; ignore_errors=no }
            StateDirectory=flannel
            """;
        var options = await ParseAsync("check");
        // A file has precedence over Environment= (systemd.exec(5)).
        Assert.Equal("/file", options.EtcdKeys.Prefix);
        Assert.Equal(8471, options.HealthzPort);
        Assert.Equal("192.168.1.5", options.PublicIp.ToString());
        Assert.Equal(["eth1"], options.Interfaces);
        Assert.Contains(new SettingSource("--healthz-port", "flanneld.service", "8471"), options.Sources);
        var installed = await ReadAsync();
        Assert.Equal("/var/lib/flannel", installed.ApplyTo(new Dictionary<string, string>())["STATE_DIRECTORY"]);
    }

    [Fact]
    public async Task The_credentials_of_the_running_service_are_found()
    {
        Write("/run/credentials/flanneld.service/etcd-password", "secret");
        Write("/etc/default/flanneld", "FLANNELD_ETCD_USERNAME=node");
        Assert.Equal(
            Path.Combine(folder.Path, "run/credentials/flanneld.service/etcd-password"), (await ParseAsync("check")).EtcdPasswordFile);
    }

    [Theory]
    [InlineData("--etcd-password-file=/mine", "FLANNELD_ETCD_PASSWORD=theirs", null, "/mine")]
    [InlineData("--etcd-password=mine", "FLANNELD_ETCD_PASSWORD_FILE=/theirs", "mine", null)]
    public async Task A_password_of_the_command_replaces_that_of_the_service(string flag, string variable, string? password, string? file)
    {
        Write("/etc/default/flanneld", $"FLANNELD_ETCD_USERNAME=node\n{variable}");
        var options = await ParseAsync("check", flag);
        Assert.Equal((password, file), (options.EtcdPassword?.RevealText(), options.EtcdPasswordFile));
    }

    [Fact]
    public async Task An_interface_of_the_command_replaces_that_of_the_service()
    {
        Write("/etc/default/flanneld", "FLANNELD_IFACE=eth1");
        var options = await ParseAsync("check", "--iface-regex=^eth2$");
        Assert.Empty(options.Interfaces);
        Assert.Equal(["^eth2$"], options.InterfaceRegexes);
    }

    [Fact]
    public async Task An_etcd_without_tls_needs_no_certificates_of_the_service()
    {
        Write("/etc/default/flanneld", "FLANNELD_ETCD_ENDPOINTS=https://192.168.1.11:2379\nFLANNELD_ETCD_CAFILE=/etc/flannel/ca.pem");
        Assert.Equal("/etc/flannel/ca.pem", (await ParseAsync("check", "--etcd-endpoints=https://192.168.1.12:2379")).EtcdCaFile);
        Assert.Null((await ParseAsync("check", "--etcd-endpoints=http://127.0.0.1:2379")).EtcdCaFile);
    }

    [Fact]
    public async Task Settings_of_the_services_process_do_not_count()
    {
        Write("/etc/default/flanneld", "FLANNELD_V=4\nFLANNELD_LOG_FORMAT=json\nFLANNELD_DRY_RUN=true");
        var options = await ParseAsync("check");
        Assert.Equal(0, options.Verbosity);
        Assert.Null(options.LogFormat);
        Assert.False(options.DryRun);
    }

    [Fact]
    public async Task A_wrong_setting_names_its_file()
    {
        Write("/etc/default/flanneld", "FLANNELD_HEALTHZ_PORT=none");
        var result = CommandLine.Parse(["check"], new Dictionary<string, string>(), await ReadAsync());
        Assert.StartsWith("FLANNELD_HEALTHZ_PORT in /etc/default/flanneld: ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_required_file_that_does_not_exist_is_a_warning()
    {
        shown = "LoadState=loaded\nEnvironmentFiles=/etc/cluster.env (ignore_errors=no)";
        var options = await ParseAsync("check");
        Assert.Equal(["/etc/cluster.env does not exist: its settings are not used"], options.Warnings);
    }

    [Theory]
    [InlineData(new string[0], false)]
    [InlineData(new[] { "--etcd-prefix=/x" }, false)]
    [InlineData(new[] { "--dry-run" }, true)]
    [InlineData(new[] { "-dry-run", "-v=1" }, true)]
    [InlineData(new[] { "--dry-run=true" }, true)]
    [InlineData(new[] { "--dry-run=false" }, false)]
    [InlineData(new[] { "check" }, true)]
    [InlineData(new[] { "healthcheck", "--healthz-port=1" }, true)]
    public void The_daemon_does_not_read_the_files_of_its_service(string[] arguments, bool expected) =>
        Assert.Equal(expected, CommandLine.UsesInstalledSettings(arguments));

    private Task<DaemonOptions> ParseAsync(params string[] arguments) => ParseAsync(arguments, []);

    private async Task<DaemonOptions> ParseAsync(string[] arguments, params (string Name, string Value)[] environment)
    {
        var result = CommandLine.Parse(arguments, environment.ToDictionary(e => e.Name, e => e.Value), await ReadAsync());
        Assert.Null(result.Error);
        return result.Value;
    }

    private Task<InstalledSettings> ReadAsync() =>
        new InstalledSettingsReader(new InstalledHost(folder.Path, (_, _) => Task.FromResult(shown)))
            .ReadAsync(TestContext.Current.CancellationToken);

    private void Write(string path, string text)
    {
        var full = Path.Combine(folder.Path, path.TrimStart('/'));
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }
}
