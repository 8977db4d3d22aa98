using Flannel.Core;
using Flannel.Core.Addresses;
using Flanneld.Commands;
using Flanneld.Options;

namespace Flanneld.Tests.Options;

public sealed class CommandLineTests
{
    private static Result<DaemonOptions> Parse(string[] arguments, params (string Name, string Value)[] environment) =>
        CommandLine.Parse(arguments, environment.ToDictionary(e => e.Name, e => e.Value));

    private static DaemonOptions Parsed(string[] arguments, params (string Name, string Value)[] environment)
    {
        var result = Parse(arguments, environment);
        Assert.Null(result.Error);
        return result.Value;
    }

    private static string ErrorOf(string[] arguments, params (string Name, string Value)[] environment)
    {
        var result = Parse(arguments, environment);
        Assert.NotNull(result.Error);
        Assert.DoesNotContain('\n', result.Error);
        return result.Error;
    }

    [Fact]
    public void A_bug_report_is_written_with_invalid_settings_and_not_with_invalid_flags_of_its_own()
    {
        var options = CommandLine.ParseReport(["bugreport", "--file=-"], "FLANNELD_V: invalid");
        Assert.Equal(("-", "FLANNELD_V: invalid"), (options?.ReportFile, options?.SettingsError));
        Assert.Null(CommandLine.ParseReport(["bugreport", "--fil=-"], "unknown flag"));
        Assert.Null(CommandLine.ParseReport(["status"], "FLANNELD_V: invalid"));
    }

    [Fact]
    public void Defaults_are_those_of_upstream()
    {
        var options = Parsed([]);
        Assert.Equal("http://127.0.0.1:4001,http://127.0.0.1:2379", options.EtcdEndpoints);
        Assert.Equal("/coreos.com/network", options.EtcdKeys.Prefix);
        Assert.Equal("/run/flannel/subnet.env", options.SubnetFile);
        Assert.Equal(TimeSpan.FromMinutes(60), options.RenewMargin);
        Assert.Equal("0.0.0.0", options.HealthzIp.ToString());
        Assert.Equal(0, options.HealthzPort);
        Assert.False(options.IpMasq);
        Assert.True(options.IsIpMasqFullyRandom);
        Assert.Null(options.IptablesForwardRules);
        Assert.Equal(TimeSpan.FromSeconds(5), options.IptablesResync);
        Assert.True(options.MayControlRoutes);
        Assert.Equal("http://100.100.100.200", options.MetadataEndpoint);
    }

    /// <summary>Upstream's kube-flannel.yml gives the port alone, and its probes come from the address of the node.</summary>
    [Theory]
    [InlineData("", "127.0.0.1", 8471)]
    [InlineData("--healthz-ip=192.168.1.21", "192.168.1.21", 8471)]
    [InlineData("--healthz-port=8081", "0.0.0.0", 8081)]
    [InlineData("--healthz-port=8081 --healthz-ip=::1", "::1", 8081)]
    [InlineData("--healthz-port=0", "0.0.0.0", 0)]
    public void In_the_image_the_health_server_listens_for_this_host_unless_a_port_is_given(string flags, string ip, int port)
    {
        var options = Parsed(flags.Split(' ', StringSplitOptions.RemoveEmptyEntries), ("FLANNELD_IMAGE", "plain"));
        Assert.Equal((ip, port), (options.HealthzIp.ToString(), options.HealthzPort));
    }

    [Fact]
    public void A_conflist_without_a_folder_has_no_effect_and_is_reported()
    {
        Assert.Equal(("/etc/cni/net.d", "/etc/kube-flannel/cni-conf.json"), Values(Parsed(
            ["--install-cni=/etc/cni/net.d"], ("FLANNELD_INSTALL_CNI_CONF", "/etc/kube-flannel/cni-conf.json"))));
        Assert.Contains("--install-cni-conf has no effect without --install-cni", Parsed(["--install-cni-conf=/x"]).Warnings);

        static (string?, string?) Values(DaemonOptions options) => (options.InstallCni, options.InstallCniConf);
    }

    [Theory]
    [InlineData("-public-ip", "10.0.0.5")]
    [InlineData("--public-ip", "10.0.0.5")]
    [InlineData("-public-ip=10.0.0.5", null)]
    [InlineData("--public-ip=10.0.0.5", null)]
    public void The_four_forms_of_Go_mean_the_same(string first, string? second) =>
        Assert.Equal(Ipv4Address.Parse("10.0.0.5"), Parsed(second is null ? [first] : [first, second]).PublicIp);

    [Theory]
    [InlineData("--ip-masq", true)]
    [InlineData("-ip-masq", true)]
    [InlineData("--ip-masq=true", true)]
    [InlineData("--ip-masq=1", true)]
    [InlineData("--ip-masq=T", true)]
    [InlineData("--ip-masq=false", false)]
    [InlineData("-ip-masq=0", false)]
    public void Booleans_are_read_as_in_Go(string argument, bool expected) => Assert.Equal(expected, Parsed([argument, "-v=1"]).IpMasq);

    [Fact]
    public void A_command_is_the_first_argument_and_has_flags_of_its_own()
    {
        Assert.Equal(Command.Run, Parsed([]).Command);
        var release = Parsed(["release", "--wait=5", "-public-ip=10.0.0.5"]);
        Assert.Equal((Command.Release, (TimeSpan?)TimeSpan.FromSeconds(5)), (release.Command, release.ReleaseWait));
        Assert.True(Parsed(["routes", "-remove-leftovers"]).RemoveUnmanaged);
        Assert.Equal("--remove-leftovers is a flag of 'flanneld routes'", ErrorOf(["--remove-leftovers"]));
        Assert.True(Parsed(["routes", "--delete-stale"]).DeleteStale);
        Assert.Equal("flannel-0123456789abcdef", Parsed(["routes", "--remove-routes-of=0123456789abcdef"]).RemoveRoutesOf);
        Assert.Equal("flannel-0123456789abcdef", Parsed(["routes", "--remove-routes-of", "flannel-0123456789abcdef"]).RemoveRoutesOf);
        Assert.StartsWith(
            "--remove-routes-of: \"mine\" is not a cluster's mark such as", ErrorOf(
                ["routes", "--remove-routes-of=mine"]), StringComparison.Ordinal);
        Assert.Equal("--wait is a flag of 'flanneld release'", ErrorOf(["routes", "--wait=5"]));
        Assert.Equal("unexpected argument 'now': after the command flanneld takes only flags, see --help", ErrorOf(["release", "now"]));
        // It deletes: a file of variables must not set it.
        Assert.False(Parsed(["routes"], ("FLANNELD_REMOVE_LEFTOVERS", "true")).RemoveUnmanaged);
        Assert.False(Parsed(["routes"], ("FLANNELD_DELETE_STALE", "true")).DeleteStale);
    }

    [Fact]
    public void A_sub_command_is_the_second_argument()
    {
        var clean = Parsed(["routes", "clean", "--stale", "--unmanaged", "--of=0123456789abcdef", "--yes"]);
        Assert.Equal(
            (Command.RoutesClean, true, true, "flannel-0123456789abcdef", true),
            (clean.Command, clean.DeleteStale, clean.RemoveUnmanaged, clean.RemoveRoutesOf, clean.IsConfirmed));
        Assert.False(Parsed(["routes", "clean"]).HasRouteSelection);
        Assert.Equal("--stale is a flag of 'flanneld routes clean'", ErrorOf(["routes", "--stale"]));
        Assert.Equal("unknown command 'routes clear': did you mean 'routes clean'?", ErrorOf(["routes", "clear"]));
        Assert.Equal("unknown command 'routes all': see flanneld routes --help", ErrorOf(["routes", "all"]));
        Assert.Equal(
            "unexpected argument 'now': after the command flanneld takes only flags, see --help", ErrorOf(["routes", "clean", "now"]));
        Assert.Equal("routes clean", Parsed(["help", "routes", "clean"]).Argument);
        Assert.True(CommandLine.UsesInstalledSettings(["routes", "clean"]));
    }

    [Fact]
    public void A_watch_deletes_nothing()
    {
        Assert.True(Parsed(["routes", "--watch"]).IsWatch);
        Assert.StartsWith("--watch deletes nothing", ErrorOf(["routes", "--watch", "--delete-stale"]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_replaced_flag_is_not_in_the_help()
    {
        Assert.All(["run", "routes", "routes clean"], name => Assert.DoesNotContain(
            "--remove-leftovers", HelpText.Compose(CommandDescriptor.Find(name)?.Command ?? Command.Run), StringComparison.Ordinal));
        Assert.Contains("--unmanaged", HelpText.Compose(Command.RoutesClean), StringComparison.Ordinal);
    }

    [Fact]
    public void A_dry_run_of_a_command_without_one_is_rejected()
    {
        Assert.True(Parsed(["--dry-run"]).DryRun);
        Assert.Equal("'flanneld release' has no dry run: omit --dry-run (FLANNELD_DRY_RUN)", ErrorOf(["release", "--dry-run"]));
        Assert.Equal(
            "'flanneld routes' has no dry run: omit --dry-run (FLANNELD_DRY_RUN)",
            ErrorOf(["routes", "--remove-leftovers"], ("FLANNELD_DRY_RUN", "true")));
    }

    [Fact]
    public void A_repeatable_flag_keeps_all_values_in_order() =>
        Assert.Equal(["eth1", "eth0", "192.168.1.11"], Parsed(["--iface=eth1", "-iface", "eth0", "--iface", "192.168.1.11"]).Interfaces);

    [Fact]
    public void The_last_value_of_another_flag_is_used() =>
        Assert.Equal("/b", Parsed(["--etcd-prefix=/a", "--etcd-prefix", "/b"]).EtcdKeys.Prefix);

    [Fact]
    public void A_flag_wins_over_its_variable()
    {
        Assert.Equal("/env", Parsed([], ("FLANNELD_ETCD_PREFIX", "/env")).EtcdKeys.Prefix);
        Assert.Equal("/flag", Parsed(["--etcd-prefix=/flag"], ("FLANNELD_ETCD_PREFIX", "/env")).EtcdKeys.Prefix);
        Assert.False(Parsed(["--ip-masq=false"], ("FLANNELD_IP_MASQ", "true")).IpMasq);
    }

    [Fact]
    public void An_empty_variable_counts_as_absent() =>
        Assert.Equal("/coreos.com/network", Parsed([], ("FLANNELD_ETCD_PREFIX", "")).EtcdKeys.Prefix);

    [Fact]
    public void A_user_name_with_a_colon_brings_its_password()
    {
        var options = Parsed([], ("FLANNELD_ETCD_USERNAME", "root:p:w"));
        Assert.Equal("root", options.EtcdUsername);
        Assert.Equal("p:w", options.EtcdPassword!.RevealText());
    }

    [Fact]
    public void The_prefix_loses_its_last_slash() => Assert.Equal("/x/y", Parsed(["--etcd-prefix=/x/y/"]).EtcdKeys.Prefix);

    [Theory]
    [InlineData("--etcd-endpoint=http://1.2.3.4:1", "did you mean --etcd-endpoints?")]
    [InlineData("-ifaces=x", "did you mean --iface?")]
    [InlineData("--nonsense-of-mine", "unknown flag --nonsense-of-mine: see --help")]
    [InlineData("relaese", "unknown command 'relaese': did you mean release?")]
    [InlineData("everything", "unknown command 'everything': see --help")]
    [InlineData("--public-ip=10.0.0.256", "--public-ip: \"10.0.0.256\" is not an IPv4 address")]
    [InlineData("--public-ip=010.0.0.1", "is not an IPv4 address")]
    [InlineData("--subnet-lease-renew-margin=0", "from 1 to 1439")]
    [InlineData("--subnet-lease-renew-margin=1440", "from 1 to 1439")]
    [InlineData("--subnet-lease-renew-margin=sixty", "from 1 to 1439")]
    [InlineData("--healthz-port=70000", "from 0 to 65535")]
    [InlineData("--healthz-ip=localhost", "an IP address")]
    [InlineData("--ip-masq=maybe", "--ip-masq: \"maybe\" is not true or false")]
    [InlineData("--ip-masq-exclude=10.0.0.0", "--ip-masq-exclude: \"10.0.0.0\" is not an IPv4 network such as 10.0.0.0/8")]
    [InlineData("--ip-masq-exclude=10.0.0.0/8,fc00::/48", "--ip-masq-exclude: \"fc00…\" is not an IPv4 network such as 10.0.0.0/8")]
    [InlineData("--ip-masq-exclude=0.0.0.0/0", "omit --ip-masq instead")]
    [InlineData("--iptables-resync=-1", "--iptables-resync: \"-1\" is not a number of seconds from 0 to 86400")]
    [InlineData("--all", "--all is a flag of 'flanneld cleanup'")]
    [InlineData("--etcd-endpoints=,", "--etcd-endpoints: no etcd endpoint given")]
    [InlineData("--etcd-endpoints=192.168.1.11:2379", "--etcd-endpoints: \"192.168.1.11:2379\" has no scheme; use http:// or https://")]
    [InlineData(
        "--etcd-endpoints=http://10.0.0.1:2379,etcd-2:2379", "--etcd-endpoints: \"etcd-2:2379\" has no scheme; use http:// or https://")]
    [InlineData("--etcd-endpoints=http:/10.0.0.1:2379", "is not an endpoint; use http://host:port or https://host:port")]
    [InlineData(
        "--etcd-endpoints=htp://10.0.0.1:2379", "\"htp://10.0.0.1:2379\" has another scheme than http and https; use http:// or https://")]
    [InlineData(
        "--etcd-endpoints=http://10.0.0.1:2379/v2/keys",
        "\"http://10.0.0.1:2379…\" has a path, a query or a fragment; use http://host:port")]
    [InlineData("--etcd-endpoints=http://10.0.0.1:2379#x", "has a path, a query or a fragment")]
    [InlineData(
        "--etcd-endpoints=http://u:p@127.0.0.1:2379", "\"***@127.0.0.1:2379\" holds a user; use --etcd-username and --etcd-password-file")]
    [InlineData(
        "--vpc-endpoint=vpc.cn-hangzhou.aliyuncs.com",
        "--vpc-endpoint: \"vpc.cn-hangzhou.aliyuncs.com\" has no scheme; use http:// or https://")]
    [InlineData("--ecs-endpoint=ecs.cn-hangzhou.aliyuncs.com:443", "--ecs-endpoint: \"ecs.cn-hangzhou.aliyuncs.com:443\" has no scheme")]
    [InlineData("--sts-endpoint=sts.aliyuncs.com", "--sts-endpoint: \"sts.aliyuncs.com\" has no scheme")]
    [InlineData("--quotas-endpoint=quotas.aliyuncs.com", "--quotas-endpoint: \"quotas.aliyuncs.com\" has no scheme")]
    [InlineData("--metadata-endpoint=100.100.100.200", "--metadata-endpoint: \"100.100.100.200\" has no scheme; use http:// or https://")]
    [InlineData("--metadata-endpoint=http://u@100.100.100.200", "\"***@100.100.100.200\" holds a user; remove the user")]
    [InlineData("--etcd-endpoints=\"http://10.0.0.1:2379\"", "--etcd-endpoints: the value is in quotation marks; remove them")]
    [InlineData("--etcd-prefix='/x'", "--etcd-prefix: the value is in quotation marks; remove them")]
    [InlineData("--etcd-prefix=/", "a path such as /coreos.com/network")]
    [InlineData("--etcd-prefix=http://10.0.0.1:2379/coreos.com/network", "a path such as /coreos.com/network")]
    [InlineData("--etcd-prefix=10.0.0.1:2379/coreos.com/network", "a path such as /coreos.com/network")]
    [InlineData("--iface-regex=(", "a valid regular expression")]
    [InlineData("--log-format=xml", "text, systemd or json")]
    [InlineData("--route-controller=always", "auto or never")]
    [InlineData("--vpc-endpoint=https://vpc.cn-hangzhou.aliyuncs.com/x", "has a path")]
    [InlineData("--etcd-prefix", "--etcd-prefix needs a value")]
    [InlineData("--etcd-certfile=/x", "use https://")]
    [InlineData("--etcd-username=root", "without a password")]
    [InlineData("--etcd-cafile=/x", "use https://")]
    [InlineData("--etcd-keyfile=/x", "etcd-keyfile is given without etcd-certfile")]
    [InlineData("-v=high", "-v: \"high\" is not a number")]
    public void A_usage_error_is_one_line_that_says_what_to_do(string argument, string expected) =>
        Assert.Contains(expected, ErrorOf([argument]), StringComparison.Ordinal);

    [Fact]
    public void Excluded_networks_are_a_list_that_may_be_given_more_than_once()
    {
        string[] expected = ["10.0.0.0/8", "172.16.0.0/12", "192.168.1.1/32"];
        Assert.Equal(
            expected,
            Parsed(["--ip-masq", "--ip-masq-exclude=10.0.0.0/8, 172.16.5.0/12", "--ip-masq-exclude", "192.168.1.1/32"])
                .IpMasqExclude.Select(network => network.ToString()));
        var options = Parsed([], ("FLANNELD_IP_MASQ_EXCLUDE", string.Join(',', expected)));
        Assert.Equal(expected, options.IpMasqExclude.Select(network => network.ToString()));
        Assert.Equal(["--ip-masq-exclude has no effect without --ip-masq"], options.Warnings);
    }

    [Theory]
    [InlineData("--iptables-forward-rules", true)]
    [InlineData("--iptables-forward-rules=false", false)]
    public void Forwarding_rules_that_are_asked_for_are_not_the_default(string argument, bool expected) =>
        Assert.Equal(expected, Parsed([argument]).IptablesForwardRules);

    [Fact]
    public void Every_flag_of_upstream_is_known()
    {
        // The names of upstream's main.go, v0.19.2 and 2026-08.
        string[] upstream =
        [
            "etcd-endpoints", "etcd-prefix", "etcd-keyfile", "etcd-certfile", "etcd-cafile", "etcd-username",
            "etcd-password", "iface", "iface-regex",
            "iface-can-reach", "subnet-file", "public-ip", "public-ipv6", "subnet-lease-renew-margin", "ip-masq",
            "ip-masq-fully-random-disable",
            "kube-subnet-mgr", "kube-api-url", "kube-annotation-prefix", "kubeconfig-file", "version", "healthz-ip",
            "healthz-port", "iptables-resync",
            "iptables-forward-rules", "ip-blackhole-route", "net-config-path", "set-node-network-unavailable", "v",
            "vmodule", "log_backtrace_at",
        ];
        Assert.Empty(upstream.Except(Flags.All.Select(f => f.Name)).Except(Flags.Unsupported.Select(f => f.Name)));
    }

    [Theory]
    [InlineData("--ip-blackhole-route", "not to the host's")]
    [InlineData("-vmodule=subnet=2", "use -v")]
    public void A_flag_of_an_absent_feature_is_rejected_with_the_reason(string argument, string reason) =>
        Assert.Contains(reason, ErrorOf([argument]), StringComparison.Ordinal);

    [Theory]
    // Upstream's defaults, of v0.19.2 and of 2026-08, and what switches a feature off.
    [InlineData("--ip-blackhole-route=false")]
    [InlineData("--ip-blackhole-route=F")]
    [InlineData("--vmodule=")]
    [InlineData("--log_backtrace_at=:0")]
    public void A_flag_of_an_absent_feature_is_accepted_if_its_value_asks_for_nothing(string argument)
    {
        var (name, value) = (argument.Split('=')[0].TrimStart('-'), argument.Split('=')[1]);
        var unsupported = Flags.Unsupported.Single(flag => flag.Name == name);
        Assert.Empty(Parsed([argument]).Warnings);
        Assert.Empty(Parsed([], (unsupported.EnvironmentName, value)).Warnings);
        if (!unsupported.IsBoolean) Assert.True(Parsed([$"-{name}", value, "--ip-masq"]).IpMasq);
    }

    [Fact]
    public void The_variable_of_an_absent_feature_is_rejected_too() =>
        Assert.Contains(
            "FLANNELD_IP_BLACKHOLE_ROUTE is not supported", ErrorOf([], ("FLANNELD_IP_BLACKHOLE_ROUTE", "true")), StringComparison.Ordinal);

    [Fact]
    public void The_flags_of_Kubernetes_have_the_defaults_of_upstream()
    {
        var options = Parsed([]);
        Assert.Equal(
            (false, null, null, "flannel.alpha.coreos.com", "/etc/kube-flannel/net-conf.json", true),
            (options.IsKubeSubnetManager, options.KubeApiUrl, options.KubeconfigFile, options.KubeAnnotationPrefix, options.NetConfigPath,
                options.SetsNodeNetworkUnavailable));
    }

    [Fact]
    public void The_flags_of_Kubernetes_are_read()
    {
        var options = Parsed(
            ["--kube-api-url=https://10.0.0.1:6443/", "-kubeconfig-file", "/etc/k", "--kube-annotation-prefix=example.com/flannel",
                "--net-config-path=/etc/net.json", "--set-node-network-unavailable=false"]);
        Assert.Equal(
            (new Uri("https://10.0.0.1:6443"), "/etc/k", "example.com/flannel", "/etc/net.json", false),
            (options.KubeApiUrl, options.KubeconfigFile, options.KubeAnnotationPrefix, options.NetConfigPath,
                options.SetsNodeNetworkUnavailable));
        Assert.Equal(
            [
                "--kube-api-url and --kubeconfig-file have no effect without --kube-subnet-mgr",
                "--net-config-path has no effect without --kube-subnet-mgr:"
                + " the network configuration is at /coreos.com/network/config in etcd",
            ],
            options.Warnings);
    }

    [Theory]
    [InlineData("--kube-subnet-mgr")]
    [InlineData("-kube-subnet-mgr=true")]
    public void The_Kubernetes_API_takes_the_place_of_etcd(string argument)
    {
        var options = Parsed([argument, "--kubeconfig-file=/etc/k", "--net-config-path=/etc/net.json"]);
        Assert.True(options.IsKubeSubnetManager);
        Assert.Empty(options.Warnings);
        Assert.True(Parsed([], ("FLANNELD_KUBE_SUBNET_MGR", "true")).IsKubeSubnetManager);
    }

    [Fact]
    public void The_flags_of_etcd_have_no_effect_with_the_Kubernetes_API()
    {
        var options = Parsed(
            ["--kube-subnet-mgr", "--etcd-endpoints=http://10.0.0.1:2379", "--etcd-cafile=/ca", "--subnet-lease-renew-margin=60"],
            ("FLANNELD_ETCD_PREFIX", "no/slash"));
        var warning = Assert.Single(options.Warnings);
        Assert.Equal(
            "--etcd-endpoints, --etcd-prefix, --etcd-cafile, --subnet-lease-renew-margin have no effect with --kube-subnet-mgr:"
            + " the Kubernetes API is used instead of etcd",
            warning);
    }

    [Theory]
    [InlineData("--kube-subnet-mgr=maybe")]
    [InlineData("--kube-api-url=10.0.0.1:6443")]
    [InlineData("--kube-api-url=https://user:secret@10.0.0.1")]
    [InlineData("--kube-annotation-prefix=a/b/c")]
    public void An_invalid_flag_of_Kubernetes_is_named(string argument)
    {
        var error = ErrorOf([argument]);
        Assert.StartsWith(argument.Split('=')[0], error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("-help")]
    public void Help_wins_over_everything_else(string argument) =>
        Assert.True(Parsed([argument], ("FLANNELD_ETCD_USERNAME", "root")).Help);

    [Fact]
    public void Help_names_every_flag_and_is_not_too_wide()
    {
        var help = HelpText.Compose(Command.Run);
        foreach (var flag in Flags.All.Where(flag => !flag.IsHidden))
            Assert.Contains((flag.Name.Length == 1 ? "-" : "--") + flag.Name, help, StringComparison.Ordinal);
        Assert.All(help.Split('\n'), line => Assert.True(line.Length <= 140, line));
    }

    [Fact]
    public void The_etcd_password_is_the_systemd_credential_if_no_other_is_given()
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            Assert.Contains(
                "without a password", ErrorOf(["--etcd-username=a"], ("CREDENTIALS_DIRECTORY", folder.FullName)), StringComparison.Ordinal);
            var file = Path.Combine(folder.FullName, "etcd-password");
            File.WriteAllText(file, "hunter2\n");
            Assert.Equal(file, Parsed(["--etcd-username=a"], ("CREDENTIALS_DIRECTORY", folder.FullName)).EtcdPasswordFile);
            Assert.Equal(
                "/other",
                Parsed(["--etcd-username=a", "--etcd-password-file=/other"], ("CREDENTIALS_DIRECTORY", folder.FullName)).EtcdPasswordFile);
            Assert.Null(Parsed(["--etcd-username=a:b"], ("CREDENTIALS_DIRECTORY", folder.FullName)).EtcdPasswordFile);
            Assert.Null(Parsed([], ("CREDENTIALS_DIRECTORY", folder.FullName)).EtcdPasswordFile);
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
    public void A_password_on_the_command_line_is_detected(bool isThere, params string[] arguments)
    {
        Assert.Equal(isThere, Parsed(arguments).IsPasswordOnCommandLine);
        Assert.False(Parsed([], ("FLANNELD_ETCD_USERNAME", "a"), ("FLANNELD_ETCD_PASSWORD", "b")).IsPasswordOnCommandLine);
    }

    [Theory]
    [InlineData("FLANNELD_ETCD_ENDPOINT", "FLANNELD_ETCD_ENDPOINT is not a setting and is not read: did you mean FLANNELD_ETCD_ENDPOINTS?")]
    [InlineData("FLANNELD_WITHOUT_ANY_LIKENESS", "FLANNELD_WITHOUT_ANY_LIKENESS is not a setting and is not read: see --help")]
    // Red Hat's /etc/sysconfig/flanneld.
    [InlineData(
        "FLANNEL_ETCD_ENDPOINTS", "FLANNEL_ETCD_ENDPOINTS is not read: it is the name of an older package; use FLANNELD_ETCD_ENDPOINTS")]
    [InlineData("FLANNEL_ETCD_PREFIX", "FLANNEL_ETCD_PREFIX is not read: it is the name of an older package; use FLANNELD_ETCD_PREFIX")]
    [InlineData(
        "FLANNEL_OPTIONS", "FLANNEL_OPTIONS is not read: it is the name of an older package; use FLANNELD_OPTIONS (flags)")]
    [InlineData("FLANNEL_ETCD", "FLANNEL_ETCD is not read: it is the name of an older package; use FLANNELD_ETCD_ENDPOINTS")]
    [InlineData("FLANNEL_ETCD_KEY", "FLANNEL_ETCD_KEY is not read: it is the name of an older package; use FLANNELD_ETCD_PREFIX")]
    // They ask for a text to be printed, and a Service of Kubernetes may be named so.
    [InlineData("FLANNELD_VERSION", "FLANNELD_VERSION is not a setting and is not read: see --help")]
    [InlineData("FLANNELD_HELP", "FLANNELD_HELP is not a setting and is not read: see --help")]
    // docker run --env-file of a file that begins with one.
    [InlineData(
        "\uFEFFFLANNELD_ETCD_PREFIX",
        "FLANNELD_ETCD_PREFIX is not read: a byte order mark precedes its name; save the file that sets it as UTF-8 without BOM")]
    // Of subnet.env.
    [InlineData("FLANNEL_SUBNET", null)]
    // Of 'check' alone, and a flag there.
    [InlineData("FLANNELD_OUTPUT", "FLANNELD_OUTPUT is not a setting and is not read: see --help")]
    [InlineData("FLANNELD_ETCD_ENDPOINTS", null)]
    [InlineData("FLANNELD_OPTIONS", null)]
    // Of our container images.
    [InlineData("FLANNELD_IMAGE", null)]
    public void A_variable_that_is_not_a_setting_is_reported_by_name(string name, string? line) =>
        Assert.Equal(line is null ? [] : [line], Parsed([], (name, "http://127.0.0.1:2379")).Warnings);

    [Fact]
    public void No_variable_requests_version_or_help()
    {
        var options = Parsed([], ("FLANNELD_VERSION", "true"), ("FLANNELD_HELP", "true"), ("FLANNELD_H", "true"));
        Assert.Equal((false, false), (options.Help, options.Version));
    }

    [Fact]
    public void A_prefix_without_a_leading_slash_is_kept_and_reported()
    {
        var options = Parsed(["--etcd-prefix=coreos.com/network/"]);
        Assert.Equal("coreos.com/network", options.EtcdKeys.Prefix);
        Assert.Equal(
            "--etcd-prefix \"coreos.com/network\" does not begin with '/', which is another key in etcd than \"/coreos.com/network\";"
            + " add the slash unless the keys have none",
            Assert.Single(options.Warnings));
        Assert.Equal("/b", Parsed(["--etcd-prefix=/a/../b"]).EtcdKeys.Prefix);
    }

    [Fact]
    public void An_empty_value_means_that_the_flag_is_not_given()
    {
        // --iface and --iface-regex are lists, and an empty one names the default route's interface, as upstream.
        foreach (var flag in Flags.All.Where(flag => flag is { IsRepeatable: false, IsRequest: false, Only: null }))
        {
            foreach (var empty in new[] { "", " ", "\r" })
            {
                // A password may consist of blanks.
                if (flag.Name == "etcd-password" && empty == " ") continue;
                foreach (var options in new[] { Parsed([$"--{flag.Name}={empty}"]), Parsed([], (flag.EnvironmentName, empty)) })
                    Assert.Equal(Describe(new DaemonOptions()), Describe(options));
            }
        }

        Assert.Null(Parsed(["--public-ip="], ("FLANNELD_PUBLIC_IP", "10.0.0.5")).PublicIp);
        Assert.Null(Parsed(["--public-ip=10.0.0.5", "--public-ip="]).PublicIp);
        Assert.Equal(["", "eth1"], Parsed(["--iface=", "--iface", "eth1"]).Interfaces);
        Assert.Empty(Parsed([], ("FLANNELD_IFACE", ""), ("FLANNELD_IFACE_REGEX", " \r")).Interfaces);
    }

    [Fact]
    public void Blanks_and_a_carriage_return_around_a_value_are_trimmed()
    {
        var options = Parsed(
            ["--public-ip= 10.0.0.5\r"], ("FLANNELD_ETCD_PREFIX", "/x \r"), ("FLANNELD_V", "1\r"), ("FLANNELD_IP_MASQ", "true \r"),
            ("FLANNELD_ETCD_ENDPOINTS", "https://10.0.0.1:2379\r"), ("FLANNELD_ETCD_USERNAME", "root\r"), (
                "FLANNELD_ETCD_PASSWORD", "pw \r"));
        Assert.Equal(
            ("10.0.0.5", "/x", 1, true), (options.PublicIp.ToString(), options.EtcdKeys.Prefix, options.Verbosity, options.IpMasq));
        Assert.Equal(
            ("https://10.0.0.1:2379", "root", "pw "), (options.EtcdEndpoints, options.EtcdUsername, options.EtcdPassword!.RevealText()));
    }

    [Theory]
    [InlineData(" root ", "root", null)]
    [InlineData("root : pw ", "root", " pw ")]
    [InlineData("\troot:pw\r\n", "root", "pw")]
    public void Blanks_around_a_user_name_are_trimmed_and_those_of_the_password_are_kept(string value, string user, string? password)
    {
        string[] beside = password is null ? ["--etcd-password-file=/x"] : [];
        foreach (var options in new[]
        {
            Parsed([$"--etcd-username={value}", .. beside]), Parsed(beside, ("FLANNELD_ETCD_USERNAME", value)),
        })
            Assert.Equal((user, password), (options.EtcdUsername, options.EtcdPassword?.RevealText()));
    }

    [Theory]
    [InlineData(":pw")]
    [InlineData("  :pw")]
    public void A_password_without_a_user_name_is_rejected(string value)
    {
        Assert.Equal("--etcd-username: no user name before the colon", ErrorOf([$"--etcd-username={value}"]));
        Assert.Equal("FLANNELD_ETCD_USERNAME: no user name before the colon", ErrorOf([], ("FLANNELD_ETCD_USERNAME", value)));
    }

    [Theory]
    [InlineData("-v=99", 10)]
    [InlineData("-v=-1", 0)]
    [InlineData("-v=99999999999999999999999", 10)]
    [InlineData("-v=0x2", 2)]
    [InlineData("-v=3", 3)]
    public void The_log_level_is_clamped(string argument, int level) => Assert.Equal(level, Parsed([argument]).Verbosity);

    [Theory]
    [InlineData("0x1F90", 8080)]
    [InlineData("017", 15)]
    [InlineData("0o17", 15)]
    [InlineData("0b101", 5)]
    [InlineData("+80", 80)]
    [InlineData("0", 0)]
    public void Numbers_are_read_as_in_Go(string text, int port) => Assert.Equal(port, Parsed([$"--healthz-port={text}"]).HealthzPort);

    [Theory]
    [InlineData("08")]
    [InlineData("0x")]
    [InlineData("0z1")]
    [InlineData("0a7")]
    [InlineData("1e3")]
    [InlineData("80.0")]
    [InlineData("-")]
    [InlineData("-80")]
    public void A_text_that_Go_does_not_read_as_a_number_is_rejected(string text) =>
        Assert.Contains("a number from 0 to 65535", ErrorOf([$"--healthz-port={text}"]), StringComparison.Ordinal);

    [Theory]
    [InlineData("arguments after '--' are not flags and would be ignored: remove '--'", "--", "--ip-masq")]
    [InlineData("bad flag syntax '---ip-masq': write one dash or two, then the flag's name", "---ip-masq")]
    [InlineData("bad flag syntax '--=x': write one dash or two, then the flag's name", "--=x")]
    [InlineData("unexpected argument 'true': the value of --ip-masq is written --ip-masq=VALUE", "--ip-masq", "true")]
    [InlineData("unexpected argument '–ip-masq': its dash is not the character '-'", "-v=1", "–ip-masq")]
    [InlineData("the command must be the first argument: flanneld check [flags]", "--etcd-prefix=/x", "check")]
    [InlineData("unexpected argument 'x': after the command flanneld takes only flags, see --help", "check", "-v", "1", "x")]
    [InlineData("--etcd-cafile needs a value: --etcd-cafile=VALUE", "--etcd-cafile")]
    [InlineData("--healthz-port: \"--ip-masq\" is not a number from 0 to 65535", "--healthz-port", "--ip-masq")]
    [InlineData("unknown flag --x: see --help", "--x")]
    [InlineData("unknown flag --Ip-masq: did you mean --ip-masq?", "--Ip-masq")]
    [InlineData("unknown flag --ip-mqas: did you mean --ip-masq?", "--ip-mqas")]
    public void A_mistake_on_the_command_line_is_named(string expected, params string[] arguments) =>
        Assert.Equal(expected, ErrorOf(arguments));

    [Fact]
    public void The_typed_name_is_never_suggested()
    {
        foreach (var name in Flags.All.Select(flag => flag.Name).Concat(Flags.Unsupported.Select(flag => flag.Name)))
        {
            foreach (var arguments in new string[][] { ["--", $"--{name}"], [$"---{name}"], [name], ["--v=1", name] })
                Assert.DoesNotContain(
                    $"did you mean --{name}?", CommandLine.Parse(arguments, new Dictionary<string, string>()).Error,
                    StringComparison.Ordinal);
        }
    }

    /// <summary>Every property, so that two sets of options can be compared.</summary>
    private static string Describe(DaemonOptions options) =>
        string.Join('\n', typeof(DaemonOptions).GetProperties().Select(property => property.GetValue(options) switch
    {
        Flannel.Etcd.Registry.EtcdKeys keys => $"{property.Name}={keys.Prefix}",
        IEnumerable<string> list => $"{property.Name}={string.Join(',', list)}",
        var value => $"{property.Name}={value}",
    }));

    [Fact]
    public void The_output_is_a_table_unless_another_format_is_requested()
    {
        Assert.Equal((Command.Check, OutputFormat.Table), (Parsed(["check"]).Command, Parsed(["check"]).Output));
        Assert.Equal(OutputFormat.Json, Parsed(["check", "--output", "json"]).Output);
        Assert.Equal(OutputFormat.Yaml, Parsed(["leases", "--output=yaml"]).Output);
        Assert.Equal("--output: \"xml\" is not table, wide, json or yaml", ErrorOf(["check", "--output=xml"]));
        Assert.Equal(
            "--output is a flag of 'flanneld check', 'flanneld config get', 'flanneld leases', 'flanneld routes', 'flanneld status'",
            ErrorOf(["release", "--output=json"]));
        Assert.Equal(ColorMode.Never, Parsed(["status", "--color=never"]).Color);
        Assert.Equal("--color: \"yes\" is not auto, always or never", ErrorOf(["status", "--color=yes"]));
    }

    [Fact]
    public void Commands_that_print_a_text_read_no_settings()
    {
        Assert.Equal("bash", Parsed(["completion", "bash"], ("FLANNELD_HEALTHZ_PORT", "wrong")).Argument);
        Assert.Equal("check", Parsed(["help", "check"]).Argument);
        Assert.True(Parsed(["status", "--help"]).Help);
        Assert.Equal("unexpected argument 'x': after the command flanneld takes only flags, see --help", ErrorOf(["version", "x"]));
    }

    [Fact]
    public void A_command_of_two_words_takes_its_argument_before_or_after_the_flags()
    {
        foreach (string[] line in new[] { new[] { "config", "set", "a.json", "--yes" }, ["config", "set", "--yes", "a.json"] })
        {
            var options = Parsed(line);
            Assert.Equal((Command.ConfigSet, "a.json", true), (options.Command, options.Argument, options.IsConfirmed));
        }

        Assert.Equal("-", Parsed(["config", "validate", "-", "--etcd-prefix=/x"]).Argument);
        Assert.Null(Parsed(["config", "validate"]).Argument);
        Assert.True(Parsed(["config", "set", "--dry-run", "-"]).DryRun);
        Assert.Equal("config set", Parsed(["help", "config", "set"]).Argument);
        Assert.Equal("'flanneld config set' needs FILE|-|JSON: see flanneld help config set", ErrorOf(["config", "set"]));
        Assert.Equal(
            "unexpected argument 'b.json': after the command flanneld takes only flags, see --help",
            ErrorOf(["config", "set", "a.json", "b.json"]));
        Assert.Equal("--file is a flag of 'flanneld bugreport'", ErrorOf(["config", "get", "--file=x"]));
        Assert.Equal("'flanneld config get' has no dry run: omit --dry-run (FLANNELD_DRY_RUN)", ErrorOf(["config", "get", "--dry-run"]));
    }

    [Fact]
    public void A_command_without_its_second_word_says_which_ones_there_are()
    {
        Assert.Equal("unknown command 'config foo': see flanneld config --help", ErrorOf(["config", "foo"]));
        Assert.StartsWith("its second word is missing: ", TextCommands.Find(Parsed(["config"]))!.Error);
        Assert.Contains("\n  config set ", TextCommands.Find(Parsed(["config", "--help"]))!.Value);
    }

    /// <summary>In the bug report.</summary>
    [Theory]
    [InlineData("--etcd-password=hunter2", "--etcd-password", "***")]
    [InlineData("--etcd-username=root:hunter2", "--etcd-username", "***")]
    [InlineData("--access-key-file=-----BEGIN PRIVATE KEY-----", "--access-key-file", "(not shown: not a path such as /etc/flannel/file)")]
    [InlineData("--etcd-endpoints=http://192.168.1.11:2379", "--etcd-endpoints", "http://192.168.1.11:2379")]
    [InlineData("--public-ipv6=fd00::7", "--public-ipv6", "fd00::7")]
    public void A_setting_is_shown_without_a_secret(string argument, string name, string shown)
    {
        var options = Parsed(argument.Contains("password", StringComparison.Ordinal) ? [argument, "--etcd-username=a"] : [argument]);
        Assert.Contains(new SettingSource(name, "the command line", shown), options.Sources);
    }

    [Fact]
    public void Each_command_has_a_help_text_of_its_own()
    {
        foreach (var command in CommandDescriptor.All)
        {
            var text = HelpText.Compose(command.Command);
            Assert.StartsWith($"flanneld {command.Name}: ", text, StringComparison.Ordinal);
            Assert.Contains("\nExamples:\n", text, StringComparison.Ordinal);
            Assert.All(
                Flags.All.Where(flag => !flag.IsHidden && flag.Only?.Contains(command.Command) == true),
                flag => Assert.Contains($"  {flag.ShownName}", text, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void No_error_contains_a_secret()
    {
        Assert.DoesNotContain("hunter2", ErrorOf(["--etcd-password=hunter2"]), StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", ErrorOf(["--etcd-username=:hunter2"]), StringComparison.Ordinal);
        foreach (var flag in new[] { "etcd-endpoints", "vpc-endpoint", "sts-endpoint", "metadata-endpoint" })
            Assert.DoesNotContain("hunter2", ErrorOf([$"--{flag}=http://root:hunter2@127.0.0.1:2379"]), StringComparison.Ordinal);
        Assert.DoesNotContain(
            "hunter2", ErrorOf(["--etcd-password=hunter2", "--etcd-password-file=/x", "--etcd-username=a"]), StringComparison.Ordinal);
    }
}
