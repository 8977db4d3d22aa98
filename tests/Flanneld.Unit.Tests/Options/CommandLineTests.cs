using Flannel.Core.Addresses;
using Flanneld.Options;

namespace Flanneld.Unit.Tests.Options;

public sealed class CommandLineTests
{
    private static CommandLineResult Parse(string[] arguments, params (string Name, string Value)[] environment) =>
        CommandLine.Parse(arguments, environment.ToDictionary(e => e.Name, e => e.Value));

    private static DaemonOptions Accept(string[] arguments, params (string Name, string Value)[] environment)
    {
        var result = Parse(arguments, environment);
        Assert.Equal("", result.Error);
        return result.Options!;
    }

    private static string Refuse(string[] arguments, params (string Name, string Value)[] environment)
    {
        var result = Parse(arguments, environment);
        Assert.Null(result.Options);
        Assert.DoesNotContain('\n', result.Error);
        return result.Error;
    }

    [Fact]
    public void Defaults_are_those_of_upstream()
    {
        var options = Accept([]);
        Assert.Equal("http://127.0.0.1:4001,http://127.0.0.1:2379", options.EtcdEndpoints);
        Assert.Equal("/coreos.com/network", options.EtcdKeys.Prefix);
        Assert.Equal("/run/flannel/subnet.env", options.SubnetFile);
        Assert.Equal(TimeSpan.FromMinutes(60), options.RenewMargin);
        Assert.Equal("0.0.0.0", options.HealthzIp.ToString());
        Assert.Equal(0, options.HealthzPort);
        Assert.False(options.IpMasq);
        Assert.True(options.MayControlRoutes);
        Assert.Equal("http://100.100.100.200", options.MetadataEndpoint);
    }

    [Theory]
    [InlineData("-public-ip", "10.0.0.5")]
    [InlineData("--public-ip", "10.0.0.5")]
    [InlineData("-public-ip=10.0.0.5", null)]
    [InlineData("--public-ip=10.0.0.5", null)]
    public void The_four_forms_of_Go_mean_the_same(string first, string? second) =>
        Assert.Equal(Ipv4Address.Parse("10.0.0.5"), Accept(second is null ? [first] : [first, second]).PublicIp);

    [Theory]
    [InlineData("--ip-masq", true)]
    [InlineData("-ip-masq", true)]
    [InlineData("--ip-masq=true", true)]
    [InlineData("--ip-masq=1", true)]
    [InlineData("--ip-masq=T", true)]
    [InlineData("--ip-masq=false", false)]
    [InlineData("-ip-masq=0", false)]
    public void Booleans_are_Gos(string argument, bool expected) => Assert.Equal(expected, Accept([argument, "-v=1"]).IpMasq);

    [Fact]
    public void A_command_is_the_first_argument_and_has_flags_of_its_own()
    {
        Assert.Equal(Command.Run, Accept([]).Command);
        var release = Accept(["release", "--wait=5", "-public-ip=10.0.0.5"]);
        Assert.Equal((Command.Release, TimeSpan.FromSeconds(5)), (release.Command, release.ReleaseWait));
        Assert.True(Accept(["routes", "-remove-leftovers"]).RemoveLeftovers);
        Assert.Equal("--remove-leftovers belongs to 'flanneld routes'", Refuse(["--remove-leftovers"]));
        Assert.Equal("--wait belongs to 'flanneld release'", Refuse(["routes", "--wait=5"]));
        Assert.Equal("unexpected argument 'now': after the command flanneld takes only flags, see --help", Refuse(["release", "now"]));
        // It deletes: nobody should find it in a file of variables.
        Assert.False(Accept(["routes"], ("FLANNELD_REMOVE_LEFTOVERS", "true")).RemoveLeftovers);
    }

    [Fact]
    public void Who_asks_for_a_dry_run_of_a_command_that_has_none_does_not_get_a_real_one()
    {
        Assert.True(Accept(["--dry-run"]).DryRun);
        Assert.Equal("'flanneld release' has no dry run: drop --dry-run (FLANNELD_DRY_RUN)", Refuse(["release", "--dry-run"]));
        Assert.Equal("'flanneld routes' has no dry run: drop --dry-run (FLANNELD_DRY_RUN)", Refuse(["routes", "--remove-leftovers"], ("FLANNELD_DRY_RUN", "true")));
    }

    [Fact]
    public void A_repeatable_flag_keeps_all_values_in_order() =>
        Assert.Equal(["eth1", "eth0", "192.168.1.11"], Accept(["--iface=eth1", "-iface", "eth0", "--iface", "192.168.1.11"]).Interfaces);

    [Fact]
    public void Of_another_flag_given_twice_the_last_one_counts() =>
        Assert.Equal("/b", Accept(["--etcd-prefix=/a", "--etcd-prefix", "/b"]).EtcdKeys.Prefix);

    [Fact]
    public void A_flag_wins_over_its_variable()
    {
        Assert.Equal("/env", Accept([], ("FLANNELD_ETCD_PREFIX", "/env")).EtcdKeys.Prefix);
        Assert.Equal("/flag", Accept(["--etcd-prefix=/flag"], ("FLANNELD_ETCD_PREFIX", "/env")).EtcdKeys.Prefix);
        Assert.False(Accept(["--ip-masq=false"], ("FLANNELD_IP_MASQ", "true")).IpMasq);
    }

    [Fact]
    public void An_empty_variable_counts_as_absent() => Assert.Equal("/coreos.com/network", Accept([], ("FLANNELD_ETCD_PREFIX", "")).EtcdKeys.Prefix);

    [Fact]
    public void A_user_name_with_a_colon_brings_its_password()
    {
        var options = Accept([], ("FLANNELD_ETCD_USERNAME", "root:p:w"));
        Assert.Equal("root", options.EtcdUsername);
        Assert.Equal("p:w", options.EtcdPassword!.RevealText());
    }

    [Fact]
    public void The_prefix_loses_its_last_slash() => Assert.Equal("/x/y", Accept(["--etcd-prefix=/x/y/"]).EtcdKeys.Prefix);

    [Theory]
    [InlineData("--etcd-endpoint=http://1.2.3.4:1", "did you mean --etcd-endpoints?")]
    [InlineData("-ifaces=x", "did you mean --iface?")]
    [InlineData("--nonsense-of-mine", "unknown flag --nonsense-of-mine: see --help")]
    [InlineData("relaese", "unknown command 'relaese': did you mean release?")]
    [InlineData("everything", "unknown command 'everything': see --help")]
    [InlineData("--public-ip=10.0.0.256", "--public-ip is '10.0.0.256', and must be an IPv4 address")]
    [InlineData("--public-ip=010.0.0.1", "must be an IPv4 address")]
    [InlineData("--subnet-lease-renew-margin=0", "from 1 to 1439")]
    [InlineData("--subnet-lease-renew-margin=1440", "from 1 to 1439")]
    [InlineData("--subnet-lease-renew-margin=sixty", "from 1 to 1439")]
    [InlineData("--healthz-port=70000", "from 0 to 65535")]
    [InlineData("--healthz-ip=localhost", "an IP address")]
    [InlineData("--ip-masq=maybe", "--ip-masq is 'maybe', and must be true or false")]
    [InlineData("--etcd-endpoints=", "--etcd-endpoints needs a value")]
    [InlineData("--etcd-endpoints=,", "http:// or https:// each")]
    [InlineData("--etcd-endpoints=http://u:p@127.0.0.1:2379", "http:// or https:// each")]
    [InlineData("--etcd-prefix=relative", "a path such as /coreos.com/network")]
    [InlineData("--etcd-prefix=/a/../b", "a path such as /coreos.com/network")]
    [InlineData("--iface-regex=(", "a valid regular expression")]
    [InlineData("--log-format=xml", "text, systemd or json")]
    [InlineData("--route-controller=always", "auto or never")]
    [InlineData("--vpc-endpoint=https://vpc.cn-hangzhou.aliyuncs.com/x", "without a path")]
    [InlineData("--etcd-prefix", "--etcd-prefix needs a value")]
    [InlineData("--etcd-certfile=/x", "write https://")]
    [InlineData("--etcd-username=root", "without a password")]
    [InlineData("--etcd-cafile=/x", "write https://")]
    [InlineData("--etcd-keyfile=/x", "etcd-keyfile is given without etcd-certfile")]
    [InlineData("-v=high", "-v is 'high', and must be a number")]
    public void Bad_usage_is_one_line_that_says_what_to_do(string argument, string expected) =>
        Assert.Contains(expected, Refuse([argument]).Replace("--v is", "-v is"), StringComparison.Ordinal);

    [Fact]
    public void Every_flag_of_upstream_is_known()
    {
        // The names of upstream's main.go, v0.19.2 and 2026-08.
        string[] upstream =
        [
            "etcd-endpoints", "etcd-prefix", "etcd-keyfile", "etcd-certfile", "etcd-cafile", "etcd-username", "etcd-password", "iface", "iface-regex",
            "iface-can-reach", "subnet-file", "public-ip", "public-ipv6", "subnet-lease-renew-margin", "ip-masq", "ip-masq-fully-random-disable",
            "kube-subnet-mgr", "kube-api-url", "kube-annotation-prefix", "kubeconfig-file", "version", "healthz-ip", "healthz-port", "iptables-resync",
            "iptables-forward-rules", "ip-blackhole-route", "net-config-path", "set-node-network-unavailable", "v", "vmodule", "log_backtrace_at",
        ];
        Assert.Empty(upstream.Except(Flags.All.Select(f => f.Name)).Except(Flags.Refused.Select(f => f.Name)));
    }

    [Theory]
    [InlineData("--kube-subnet-mgr", "not from Kubernetes")]
    [InlineData("-kube-subnet-mgr=true", "not from Kubernetes")]
    [InlineData("--net-config-path=/etc/x", "{etcd-prefix}/config")]
    [InlineData("--iptables-resync=5", "FORWARD policy")]
    public void A_flag_that_means_nothing_here_is_refused_with_the_reason(string argument, string reason) =>
        Assert.Contains(reason, Refuse([argument]), StringComparison.Ordinal);

    [Fact]
    public void Its_variable_too() =>
        Assert.Contains("FLANNELD_KUBE_SUBNET_MGR is not supported", Refuse([], ("FLANNELD_KUBE_SUBNET_MGR", "true")), StringComparison.Ordinal);

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("-help")]
    public void Help_wins_over_everything_else(string argument) =>
        Assert.True(Accept([argument], ("FLANNELD_ETCD_USERNAME", "root")).Help);

    [Fact]
    public void Help_names_every_flag_and_is_not_too_wide()
    {
        var help = HelpText.Compose();
        foreach (var flag in Flags.All) Assert.Contains((flag.Name.Length == 1 ? "-" : "--") + flag.Name, help, StringComparison.Ordinal);
        Assert.All(help.Split('\n'), line => Assert.True(line.Length <= 140, line));
    }

    [Fact]
    public void The_password_of_etcd_may_be_a_credential_of_the_unit_if_none_is_given_otherwise()
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            Assert.Contains("without a password", Refuse(["--etcd-username=a"], ("CREDENTIALS_DIRECTORY", folder.FullName)), StringComparison.Ordinal);
            var file = Path.Combine(folder.FullName, "etcd-password");
            File.WriteAllText(file, "hunter2\n");
            Assert.Equal(file, Accept(["--etcd-username=a"], ("CREDENTIALS_DIRECTORY", folder.FullName)).EtcdPasswordFile);
            Assert.Equal("/other", Accept(["--etcd-username=a", "--etcd-password-file=/other"], ("CREDENTIALS_DIRECTORY", folder.FullName)).EtcdPasswordFile);
            Assert.Null(Accept(["--etcd-username=a:b"], ("CREDENTIALS_DIRECTORY", folder.FullName)).EtcdPasswordFile);
            Assert.Null(Accept([], ("CREDENTIALS_DIRECTORY", folder.FullName)).EtcdPasswordFile);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData(true, "--etcd-username=a", "--etcd-password=b")]
    [InlineData(true, "--etcd-username=a:b")]
    [InlineData(false, "--etcd-username=a", "--etcd-password-file=/x")]
    [InlineData(false)]
    public void A_password_on_the_command_line_is_known_as_such(bool isThere, params string[] arguments)
    {
        Assert.Equal(isThere, Accept(arguments).IsPasswordOnCommandLine);
        Assert.False(Accept([], ("FLANNELD_ETCD_USERNAME", "a"), ("FLANNELD_ETCD_PASSWORD", "b")).IsPasswordOnCommandLine);
    }

    [Theory]
    [InlineData("FLANNELD_ETCD_ENDPOINT", "FLANNELD_ETCD_ENDPOINT is no setting and is not looked at: did you mean FLANNELD_ETCD_ENDPOINTS?")]
    [InlineData("FLANNELD_WITHOUT_ANY_LIKENESS", "FLANNELD_WITHOUT_ANY_LIKENESS is no setting and is not looked at: see --help")]
    // Of 'check' alone, and a flag there.
    [InlineData("FLANNELD_OUTPUT", "FLANNELD_OUTPUT is no setting and is not looked at: see --help")]
    [InlineData("FLANNELD_ETCD_ENDPOINTS", null)]
    [InlineData("FLANNELD_OPTIONS", null)]
    public void A_variable_that_is_no_setting_is_told(string name, string? line) =>
        Assert.Equal(line is null ? [] : [line], Accept([], (name, "http://127.0.0.1:2379")).UnknownVariables);

    [Fact]
    public void What_a_check_prints_is_for_people_unless_it_is_to_be_json()
    {
        Assert.Equal((Command.Check, OutputFormat.Table), (Accept(["check"]).Command, Accept(["check"]).Output));
        Assert.Equal(OutputFormat.Json, Accept(["check", "--output", "json"]).Output);
        Assert.Equal("--output is 'yaml', and must be table or json", Refuse(["check", "--output=yaml"]));
        Assert.Equal("--output belongs to 'flanneld check'", Refuse(["routes", "--output=json"]));
    }

    [Fact]
    public void A_secret_never_stands_in_a_message()
    {
        Assert.DoesNotContain("hunter2", Refuse(["--etcd-password=hunter2"]), StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", Refuse(["--etcd-username=:hunter2"]), StringComparison.Ordinal);
        foreach (var flag in new[] { "etcd-endpoints", "vpc-endpoint", "sts-endpoint", "metadata-endpoint" })
            Assert.DoesNotContain("hunter2", Refuse([$"--{flag}=http://root:hunter2@127.0.0.1:2379"]), StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", Refuse(["--etcd-password=hunter2", "--etcd-password-file=/x", "--etcd-username=a"]), StringComparison.Ordinal);
    }
}
