using System.Globalization;
using Flannel.Core;
using Flannel.RouteController.Planning;

namespace Flanneld.Options;

/// <summary>All flags, in the order of <c>--help</c>. Upstream's flags have upstream's names, meanings and defaults.</summary>
internal static class Flags
{
    private const string Etcd = "etcd";
    private const string Kubernetes = "Kubernetes";
    private const string Node = "Node and interface";
    private const string Lease = "Lease and subnet file";
    private const string Firewall = "Firewall (needs CAP_NET_ADMIN)";
    private const string Cloud = "Alibaba Cloud and routes";
    private const string Health = "Health and logging";
    private const string Other = "Other";

    private const string Password = "password";
    private const string Interface = "interface";

    public static IReadOnlyList<Flag> All { get; } =
    [
        new("etcd-endpoints", Etcd, "URLS", OptionDefaults.EtcdEndpoints, "comma-separated URLs of the etcd members",
            (o, s) => FlagValues.Endpoints(s, v => o.EtcdEndpoints = v)) { IsEtcdEndpoints = true },
        new("etcd-prefix", Etcd, "KEY", OptionDefaults.EtcdPrefix, "key prefix of the network configuration and the leases",
            (o, s) => FlagValues.Prefix(s, v => o.EtcdKeys = v)),
        new("etcd-cafile", Etcd, "FILE", "", "CA certificates of the etcd servers (default: the system's)",
            (o, s) => FlagValues.Text(s, v => o.EtcdCaFile = v)) { NeedsEtcdTls = true },
        new("etcd-certfile", Etcd, "FILE", "", "client certificate; requires --etcd-keyfile",
            (o, s) => FlagValues.Text(s, v => o.EtcdCertFile = v)) { NeedsEtcdTls = true },
        new("etcd-keyfile", Etcd, "FILE", "", "private key of the client certificate",
            (o, s) => FlagValues.Text(s, v => o.EtcdKeyFile = v)) { NeedsEtcdTls = true },
        new("etcd-username", Etcd, "NAME", "", "etcd user",
            (o, s) => UserName(o, s)) { IsSecret = true },
        new("etcd-password", Etcd, "PASSWORD", "", "visible to every user of this host; prefer --etcd-password-file",
            (o, s) => FlagValues.Text(s, v => o.EtcdPassword = new Secret(v))) { IsSecret = true, Alternatives = Password },
        new("etcd-password-file", Etcd, "FILE", "", "file that contains only the password",
            (o, s) => FlagValues.Text(s, v => o.EtcdPasswordFile = v)) { Alternatives = Password },

        new("kube-subnet-mgr", Kubernetes, "", "false", "contact the Kubernetes API for subnet assignment instead of etcd",
            (o, s) => FlagValues.Boolean(s, v => o.IsKubeSubnetManager = v)),
        new("kube-api-url", Kubernetes, "URL", "", "Kubernetes API server; not needed if flannel runs in a pod",
            (o, s) => FlagValues.ApiServer(s, v => o.KubeApiUrl = v)),
        new("kubeconfig-file", Kubernetes, "FILE", "", "kubeconfig file; not needed if flannel runs in a pod",
            (o, s) => FlagValues.Text(s, v => o.KubeconfigFile = v)),
        new("kube-annotation-prefix", Kubernetes, "PREFIX", OptionDefaults.KubeAnnotationPrefix,
            "prefix of the annotations of nodes, with a slash or without",
            (o, s) => FlagValues.AnnotationPrefix(s, v => o.KubeAnnotationPrefix = v)),
        new("net-config-path", Kubernetes, "FILE", OptionDefaults.NetConfigPath, "path to the network configuration file",
            (o, s) => FlagValues.Text(s, v => o.NetConfigPath = v)),
        new("set-node-network-unavailable", Kubernetes, "", "true", "set NodeNetworkUnavailable after ready",
            (o, s) => FlagValues.Boolean(s, v => o.SetsNodeNetworkUnavailable = v)),

        new("iface", Node, "NAME|IP", "", "interface between the hosts; repeatable, the first match is used (default: the default route's)",
            (o, s) => FlagValues.Text(s, o.Interfaces.Add)) { IsRepeatable = true, TakesEmpty = true, Alternatives = Interface },
        new("iface-regex", Node, "REGEX", "", "the first interface whose address or name matches; repeatable; tried after --iface",
            (o, s) => FlagValues.Regex(s, o.InterfaceRegexes.Add)) { IsRepeatable = true, TakesEmpty = true, Alternatives = Interface },
        new("iface-can-reach", Node, "IP", "", "the interface of 'ip route get IP'; tried after --iface-regex",
            (o, s) => FlagValues.Address(s, v => o.InterfaceCanReach = v)) { Alternatives = Interface },
        new("public-ip", Node, "IP", "", "address by which other nodes reach this one (default: the interface's)",
            (o, s) => FlagValues.Address(s, v => o.PublicIp = v)),
        new("public-ipv6", Node, "IP", "", "IPv6 address by which other nodes reach this one (default: the interface's)",
            (o, s) => FlagValues.Ipv6Address(s, v => o.PublicIpv6 = v)),

        new("subnet-file", Lease, "FILE", OptionDefaults.SubnetFile, "file for Docker and CNI; it exists while the subnet may be used",
            (o, s) => FlagValues.Text(s, v => o.SubnetFile = v)),
        new("install-cni", Lease, "DIR", "", "write 10-flannel.conflist for CNI to this folder; it exists while the subnet may be used",
            (o, s) => FlagValues.Text(s, v => o.InstallCni = v)),
        new("install-cni-conf", Lease, "FILE", "", "conflist for --install-cni (default: bridge, host-local and portmap with the subnet)",
            (o, s) => FlagValues.Text(s, v => o.InstallCniConf = v)),
        new("subnet-lease-renew-margin", Lease, "MINUTES", OptionDefaults.Minutes(OptionDefaults.RenewMargin),
            "how long before its expiry a lease is renewed, 1 to 1439",
            (o, s) => FlagValues.Number(s, 1, 1439, "of minutes ", v => o.RenewMargin = TimeSpan.FromMinutes(v))),
        new("mtu", Lease, "BYTES", "", "MTU of the containers, 68 to 65535 (default: the interface's, less the backend's header)",
            (o, s) => FlagValues.Number(s, 68, 65535, "of bytes ", v => o.Mtu = v)),
        new("set-sysctls", Lease, "", "false", "set the kernel settings that containers' traffic needs (needs CAP_NET_ADMIN)",
            (o, s) => FlagValues.Boolean(s, v => o.SetSysctls = v)),

        new("ip-masq", Firewall, "", "false", "masquerade packets that leave the network (needs nft or iptables)",
            (o, s) => FlagValues.Boolean(s, v => o.IpMasq = v)),
        new("ip-masq-exclude", Firewall, "NETWORKS", "",
            "comma-separated IPv4 networks whose hosts see the containers' addresses; repeatable",
            (o, s) => FlagValues.Networks(s, o.IpMasqExclude.Add)) { IsRepeatable = true },
        new("ip-masq-fully-random-disable", Firewall, "", "false", "masquerade without random ports",
            (o, s) => FlagValues.Boolean(s, v => o.IsIpMasqFullyRandom = !v)),
        new("iptables-forward-rules", Firewall, "", "true", "accept forwarded packets of the network (needs iptables)",
            (o, s) => FlagValues.Boolean(s, v => o.IptablesForwardRules = v)),
        new("iptables-resync", Firewall, "SECONDS", OptionDefaults.Seconds(OptionDefaults.IptablesResync),
            "how often the firewall rules are checked, 1 to 86400; 0 is never",
            (o, s) => FlagValues.Number(s, 0, 86400, "of seconds ", v => o.IptablesResync = TimeSpan.FromSeconds(v))),
        new("all", Firewall, "", "false", "of 'cleanup': remove the rules of all networks, and VXLAN devices",
            (o, s) => FlagValues.Boolean(s, v => o.All = v)) { Only = [Command.Cleanup] },

        new("route-controller", Cloud, "auto|never", "auto", "whether this node may be elected to write the routes of all nodes",
            (o, s) => RouteController(o, s)),
        new("route-resync", Cloud, "SECONDS", OptionDefaults.Seconds(OptionDefaults.RouteResync),
            "how often the route tables are compared with the leases, 1 to 86400",
            (o, s) => FlagValues.Number(s, 1, 86400, "of seconds ", v => o.RouteResync = TimeSpan.FromSeconds(v))),
        new("dry-run", Cloud, "", "false", "print the planned changes of the route tables, or of 'config set', write nothing, exit",
            (o, s) => FlagValues.Boolean(s, v => o.DryRun = v)) { IsOfProcess = true },
        new("access-key-file", Cloud, "FILE", "", "access key (default: usually the instance's RAM role, see docs/credentials.md)",
            (o, s) => FlagValues.Text(s, v => o.AccessKeyFile = v)),
        new("metadata-endpoint", Cloud, "URL", OptionDefaults.MetadataEndpoint, "the instance's metadata service",
            (o, s) => FlagValues.Metadata(s, v => o.MetadataEndpoint = v)),
        new("vpc-endpoint", Cloud, "URL", "", "VPC API (default: https, the region's VPC-internal host)",
            (o, s) => FlagValues.Endpoint(s, v => o.VpcEndpoint = v)),
        new("ecs-endpoint", Cloud, "URL", "", "ECS API (default: https, the region's VPC-internal host)",
            (o, s) => FlagValues.Endpoint(s, v => o.EcsEndpoint = v)),
        new("sts-endpoint", Cloud, "URL", "", "STS API, used for assumed roles only (default: https, the region's VPC-internal host)",
            (o, s) => FlagValues.Endpoint(s, v => o.StsEndpoint = v)),
        new("quotas-endpoint", Cloud, "URL", "", "Quotas API (default: quotas.aliyuncs.com, and none with --vpc-endpoint)",
            (o, s) => FlagValues.Endpoint(s, v => o.QuotasEndpoint = v)),

        new("output", Cloud, "table|wide|json|yaml", "table",
            "of 'check', 'config get', 'leases', 'routes' and 'status': the output format",
            (o, s) => Output(o, s)) { Only = [Command.Check, Command.ConfigGet, Command.Leases, Command.Routes, Command.Status] },
        new("color", Cloud, "auto|always|never", "auto", "of the same commands: colors in tables; auto is on a terminal, without NO_COLOR",
            (o, s) => Color(o, s))
            { Only = [Command.Check, Command.ConfigGet, Command.Leases, Command.Routes, Command.RoutesClean, Command.Status] },
        new("strict", Cloud, "", "false", "of 'check': exit 1 also for warnings and for what could not be checked",
            (o, s) => FlagValues.Boolean(s, v => o.IsStrict = v)) { Only = [Command.Check] },
        new("watch", Cloud, "", "false", "of 'routes': print again on every change, until Ctrl-C",
            (o, s) => FlagValues.Boolean(s, v => o.IsWatch = v)) { Only = [Command.Routes] },
        new("stale", Cloud, "", "false", "of 'routes clean': this cluster's routes that no lease matches",
            (o, s) => FlagValues.Boolean(s, v => o.DeleteStale = v)) { Only = [Command.RoutesClean] },
        new("unmanaged", Cloud, "", "false", "of 'routes clean': routes without a mark that no lease matches",
            (o, s) => FlagValues.Boolean(s, v => o.RemoveUnmanaged = v)) { Only = [Command.RoutesClean] },
        new("of", Cloud, "CLUSTER", "", "of 'routes clean': the routes of another cluster, by the id in its mark",
            (o, s) => RemoveRoutesOf(o, s)) { Only = [Command.RoutesClean] },
        new("yes", Cloud, "", "false", "do not ask for a confirmation",
            (o, s) => FlagValues.Boolean(s, v => o.IsConfirmed = v)) { Only = [Command.RoutesClean, Command.ConfigSet] },
        // Before there was 'routes clean'.
        new("remove-leftovers", Cloud, "", "false", "", (o, s) => FlagValues.Boolean(s, v => o.RemoveUnmanaged = v))
            { Only = [Command.Routes], IsHidden = true },
        new("delete-stale", Cloud, "", "false", "", (o, s) => FlagValues.Boolean(s, v => o.DeleteStale = v))
            { Only = [Command.Routes], IsHidden = true },
        new("remove-routes-of", Cloud, "CLUSTER", "", "", (o, s) => RemoveRoutesOf(o, s)) { Only = [Command.Routes], IsHidden = true },
        new("wait", Cloud, "SECONDS", OptionDefaults.Seconds(OptionDefaults.ReleaseWait),
            "of 'release': how long to wait for the route controller, 0 to 3600",
            (o, s) => FlagValues.Number(s, 0, 3600, "of seconds ", v => o.ReleaseWait = TimeSpan.FromSeconds(v)))
            { Only = [Command.Release] },
        new("force", Cloud, "", "false",
            "of 'release': while the daemon runs, and without a wait; of 'config set': if something does not fit",
            (o, s) => FlagValues.Boolean(s, v => o.Force = v)) { Only = [Command.Release, Command.ConfigSet] },

        new("healthz-ip", Health, "IP", OptionDefaults.HealthzIp, "address of /healthz, /readyz and /metrics",
            (o, s) => FlagValues.AnyAddress(s, v => o.HealthzIp = v)),
        new("healthz-port", Health, "PORT", OptionDefaults.HealthzPort.ToString(CultureInfo.InvariantCulture),
            "port of /healthz, /readyz and /metrics; 0 is off",
            (o, s) => FlagValues.Number(s, 0, 65535, "", v => o.HealthzPort = v)),
        new("log-format", Health, "text|systemd|json", "", "default: systemd under systemd, else text",
            (o, s) => Format(o, s)) { IsOfProcess = true },
        new("v", Health, "LEVEL", "0", "log level: 0 state changes, 1 details, 2 also route plans, 4 every call",
            (o, s) => FlagValues.Level(s, v => o.Verbosity = v)) { IsOfProcess = true },

        new("file", Other, "FILE", "", "of 'bugreport': the file to write; - is standard output (default: a new file in this folder)",
            (o, s) => FlagValues.Text(s, v => o.ReportFile = v)) { Only = [Command.BugReport] },
        new("help", Other, "", "", "print this help and exit", (o, s) => FlagValues.Boolean(s, v => o.Help = v)) { IsRequest = true },
        new(
            "version", Other, "", "", "print the version and exit",
            (o, s) => FlagValues.Boolean(s, v => o.Version = v)) { IsRequest = true },
    ];

    public static IReadOnlyList<UnsupportedFlag> Unsupported { get; } =
    [
        new("ip-blackhole-route", "this build writes routes to the VPC's tables, not to the host's", "false"),
        new("vmodule", "one level applies to all parts: use -v"),
        new("log_backtrace_at", "it names lines of upstream's source", ":0"),
    ];

    /// <summary>Upstream's users write user:password in FLANNELD_ETCD_USERNAME.</summary>
    private static Result<Unit> UserName(DaemonOptions options, string text)
    {
        var colon = text.IndexOf(':');
        var name = (colon < 0 ? text : text[..colon]).Trim();
        if (name.Length == 0) return colon < 0 ? Unit.Instance : Result.Failure("no user name before the colon");
        options.EtcdUsername = name;
        if (colon >= 0 && options.EtcdPassword is null) options.EtcdPassword = new Secret(text[(colon + 1)..]);
        return Unit.Instance;
    }

    private static Result<Unit> RouteController(DaemonOptions options, string text)
    {
        if (text is not ("auto" or "never")) return FlagValues.Invalid(text, "auto or never");
        options.MayControlRoutes = text == "auto";
        return Unit.Instance;
    }

    private static Result<Unit> RemoveRoutesOf(DaemonOptions options, string text)
    {
        if (OwnershipMark.ParseToken(text) is not { } mark)
            return FlagValues.Invalid(text, "a cluster's mark such as flannel-0123456789abcdef; 'flanneld routes' lists them");
        options.RemoveRoutesOf = mark;
        return Unit.Instance;
    }

    private static Result<Unit> Output(DaemonOptions options, string text)
    {
        if (text is not ("table" or "wide" or "json" or "yaml")) return FlagValues.Invalid(text, "table, wide, json or yaml");
        options.Output = Enum.Parse<OutputFormat>(text, ignoreCase: true);
        return Unit.Instance;
    }

    private static Result<Unit> Color(DaemonOptions options, string text)
    {
        if (text is not ("auto" or "always" or "never")) return FlagValues.Invalid(text, "auto, always or never");
        options.Color = Enum.Parse<ColorMode>(text, ignoreCase: true);
        return Unit.Instance;
    }

    private static Result<Unit> Format(DaemonOptions options, string text)
    {
        if (text is not ("text" or "systemd" or "json")) return FlagValues.Invalid(text, "text, systemd or json");
        options.LogFormat = Enum.Parse<LogFormat>(text, ignoreCase: true);
        return Unit.Instance;
    }
}
