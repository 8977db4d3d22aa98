using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.Etcd.Registry;
using Flannel.RouteController.Planning;
using Flanneld.Commands;
using Flanneld.Commands.Check;
using Flanneld.Host;

namespace Flanneld.Options;

/// <summary>All flags, in the order of <c>--help</c>. Names, meanings and defaults as upstream flannel has them, then ours.</summary>
internal static class Flags
{
    private const string Etcd = "etcd";
    private const string Node = "Node and interface";
    private const string Lease = "Lease and subnet file";
    private const string Cloud = "Alibaba Cloud and routes";
    private const string Health = "Health and logging";
    private const string Other = "Other";

    public static IReadOnlyList<Flag> All { get; } =
    [
        new("etcd-endpoints", Etcd, "URLS", "http://127.0.0.1:4001,http://127.0.0.1:2379", "comma-separated URLs of etcd's members",
            (o, s) => FlagValues.Endpoints(s, v => o.EtcdEndpoints = v)),
        new("etcd-prefix", Etcd, "KEY", "/coreos.com/network", "where the network's configuration and leases are",
            (o, s) => FlagValues.Prefix(s, v => o.EtcdKeys = v)),
        new("etcd-cafile", Etcd, "FILE", "", "certificate authority of etcd's servers (default: the system's)",
            (o, s) => FlagValues.Text(s, v => o.EtcdCaFile = v)),
        new("etcd-certfile", Etcd, "FILE", "", "client certificate, with --etcd-keyfile",
            (o, s) => FlagValues.Text(s, v => o.EtcdCertFile = v)),
        new("etcd-keyfile", Etcd, "FILE", "", "key of the client certificate",
            (o, s) => FlagValues.Text(s, v => o.EtcdKeyFile = v)),
        new("etcd-username", Etcd, "NAME", "", "user of etcd",
            (o, s) => UserName(o, s)) { IsSecret = true },
        new("etcd-password", Etcd, "PASSWORD", "", "visible to every user of this host: rather --etcd-password-file",
            (o, s) => FlagValues.Text(s, v => o.EtcdPassword = new Secret(v))) { IsSecret = true },
        new("etcd-password-file", Etcd, "FILE", "", "file that holds the password alone",
            (o, s) => FlagValues.Text(s, v => o.EtcdPasswordFile = v)),

        new("iface", Node, "NAME|IP", "", "interface between the hosts; repeatable, the first match counts (default: the default route's)",
            (o, s) => FlagValues.Text(s, o.Interfaces.Add)) { IsRepeatable = true, TakesEmpty = true },
        new("iface-regex", Node, "REGEX", "", "the first interface whose address or name matches; repeatable; after --iface",
            (o, s) => FlagValues.Regex(s, o.InterfaceRegexes.Add)) { IsRepeatable = true, TakesEmpty = true },
        new("iface-can-reach", Node, "IP", "", "the interface that 'ip route get IP' names; after --iface-regex",
            (o, s) => FlagValues.Address(s, v => o.InterfaceCanReach = v)),
        new("public-ip", Node, "IP", "", "address by which other nodes reach this one (default: the interface's)",
            (o, s) => FlagValues.Address(s, v => o.PublicIp = v)),
        new("public-ipv6", Node, "IP", "", "IPv6 address to publish beside it",
            (o, s) => FlagValues.AnyAddress(s, v => o.PublicIpv6 = v.ToString())),

        new("subnet-file", Lease, "FILE", "/run/flannel/subnet.env", "file for Docker and CNI; it exists while the subnet may be used",
            (o, s) => FlagValues.Text(s, v => o.SubnetFile = v)),
        new("subnet-lease-renew-margin", Lease, "MINUTES", "60", "how long before its end a lease is renewed, 1 to 1439",
            (o, s) => FlagValues.Number(s, 1, 1439, "of minutes ", v => o.RenewMargin = TimeSpan.FromMinutes(v))),
        new("ip-masq", Lease, "", "false", "masquerade what leaves the network (needs nft and CAP_NET_ADMIN)",
            (o, s) => FlagValues.Boolean(s, v => o.IpMasq = v)),

        new("route-controller", Cloud, "auto|never", "auto", "whether this node may be elected to write the routes of all nodes",
            (o, s) => RouteController(o, s)),
        new("route-resync", Cloud, "SECONDS", "60", "how often the route tables are compared with the leases, 1 to 86400",
            (o, s) => FlagValues.Number(s, 1, 86400, "of seconds ", v => o.RouteResync = TimeSpan.FromSeconds(v))),
        new("dry-run", Cloud, "", "false", "print what would be done to the route tables, write nothing, exit",
            (o, s) => FlagValues.Boolean(s, v => o.DryRun = v)),
        new("access-key-file", Cloud, "FILE", "", "access key (default: docs/credentials.md; mostly the instance's RAM role)",
            (o, s) => FlagValues.Text(s, v => o.AccessKeyFile = v)),
        new("metadata-endpoint", Cloud, "URL", "http://100.100.100.200", "the instance's metadata service",
            (o, s) => FlagValues.Metadata(s, v => o.MetadataEndpoint = v)),
        new("vpc-endpoint", Cloud, "URL", "", "VPC API (default: https, the region's VPC-internal host)",
            (o, s) => FlagValues.Endpoint(s, v => o.VpcEndpoint = v)),
        new("ecs-endpoint", Cloud, "URL", "", "ECS API (default: https, the region's VPC-internal host)",
            (o, s) => FlagValues.Endpoint(s, v => o.EcsEndpoint = v)),
        new("sts-endpoint", Cloud, "URL", "", "STS API, asked for assumed roles only (default: https, the region's VPC-internal host)",
            (o, s) => FlagValues.Endpoint(s, v => o.StsEndpoint = v)),
        new("quotas-endpoint", Cloud, "URL", "", "Quotas API (default: quotas.aliyuncs.com, and none with --vpc-endpoint)",
            (o, s) => FlagValues.Endpoint(s, v => o.QuotasEndpoint = v)),

        new("output", Cloud, "table|json", "table", "of 'check': for people, or for programs",
            (o, s) => Output(o, s)) { Only = Command.Check },
        new("remove-leftovers", Cloud, "", "false", "of 'routes': delete the entries that it lists as leftover",
            (o, s) => FlagValues.Boolean(s, v => o.RemoveLeftovers = v)) { Only = Command.Routes },
        new("delete-stale", Cloud, "", "false", "of 'routes': delete this cluster's routes that no lease wants, without waiting",
            (o, s) => FlagValues.Boolean(s, v => o.DeleteStale = v)) { Only = Command.Routes },
        new("remove-routes-of", Cloud, "CLUSTER", "", "of 'routes': delete the routes of another cluster, by the id in its mark",
            (o, s) => RemoveRoutesOf(o, s)) { Only = Command.Routes },
        new("wait", Cloud, "SECONDS", "60", "of 'release': how long the route controller is waited for, 0 to 3600",
            (o, s) => FlagValues.Number(s, 0, 3600, "of seconds ", v => o.ReleaseWait = TimeSpan.FromSeconds(v))) { Only = Command.Release },
        new("force", Cloud, "", "false", "of 'release': even while the daemon runs, which then ends because its lease is gone",
            (o, s) => FlagValues.Boolean(s, v => o.Force = v)) { Only = Command.Release },

        new("healthz-ip", Health, "IP", "0.0.0.0", "address of /healthz, /readyz and /metrics",
            (o, s) => FlagValues.AnyAddress(s, v => o.HealthzIp = v)),
        new("healthz-port", Health, "PORT", "0", "port of /healthz, /readyz and /metrics; 0 is off",
            (o, s) => FlagValues.Number(s, 0, 65535, "", v => o.HealthzPort = v)),
        new("log-format", Health, "text|systemd|json", "", "default: systemd when started by it, else text",
            (o, s) => Format(o, s)),
        new("v", Health, "LEVEL", "0", "how much is logged: 0 the changes, 1 and above also the steps, 4 and above every call",
            (o, s) => FlagValues.Level(s, v => o.Verbosity = v)),

        new("help", Other, "", "", "print this and exit", (o, s) => FlagValues.Boolean(s, v => o.Help = v)) { IsRequest = true },
        new(
            "version", Other, "", "", "print the version and exit",
            (o, s) => FlagValues.Boolean(s, v => o.Version = v)) { IsRequest = true },
    ];

    private const string NoKubernetes = "this build takes its subnet from etcd, not from Kubernetes";
    private const string NoIptables = "this build changes no forwarding rules of the host: set net.ipv4.ip_forward=1 and the FORWARD policy there";

    public static IReadOnlyList<RefusedFlag> Refused { get; } =
    [
        new("kube-subnet-mgr", true, NoKubernetes, "false"),
        new("kube-api-url", false, NoKubernetes),
        new("kube-annotation-prefix", false, NoKubernetes, "flannel.alpha.coreos.com"),
        new("kubeconfig-file", false, NoKubernetes),
        // Upstream reads it with kube-subnet-mgr only.
        new("set-node-network-unavailable", true, NoKubernetes, "true", "false"),
        new("net-config-path", false, "the network's configuration is at {etcd-prefix}/config in etcd", "/etc/kube-flannel/net-conf.json"),
        new("iptables-resync", false, NoIptables, "5", "0"),
        new("iptables-forward-rules", true, NoIptables, "false"),
        new("ip-blackhole-route", true, "this build writes routes into the VPC's tables, none into the host's", "false"),
        new("ip-masq-fully-random-disable", true, "--ip-masq always chooses ports at random", "false"),
        new("vmodule", false, "there is one level for all parts: use -v"),
        new("log_backtrace_at", false, "it names places in another program's source", ":0"),
    ];

    private static string? UserName(DaemonOptions options, string text)
    {
        // Upstream's users write user:password in FLANNELD_ETCD_USERNAME.
        var colon = text.IndexOf(':');
        var name = (colon < 0 ? text : text[..colon]).Trim();
        if (name.Length == 0) return colon < 0 ? null : " must be a user name";
        options.EtcdUsername = name;
        if (colon >= 0 && options.EtcdPassword is null) options.EtcdPassword = new Secret(text[(colon + 1)..]);
        return null;
    }

    private static string? RouteController(DaemonOptions options, string text)
    {
        if (text is not ("auto" or "never")) return FlagValues.Wrong(text, "auto or never");
        options.MayControlRoutes = text == "auto";
        return null;
    }

    private static string? RemoveRoutesOf(DaemonOptions options, string text)
    {
        options.RemoveRoutesOf = OwnershipMark.ParseToken(text);
        return options.RemoveRoutesOf is null
            ? FlagValues.Wrong(text, "a cluster's mark such as flannel-0123456789abcdef; 'flanneld routes' lists them")
            : null;
    }

    private static string? Output(DaemonOptions options, string text)
    {
        if (text is not ("table" or "json")) return FlagValues.Wrong(text, "table or json");
        options.Output = text == "json" ? OutputFormat.Json : OutputFormat.Table;
        return null;
    }

    private static string? Format(DaemonOptions options, string text)
    {
        if (text is not ("text" or "systemd" or "json")) return FlagValues.Wrong(text, "text, systemd or json");
        options.LogFormat = Enum.Parse<LogFormat>(text, ignoreCase: true);
        return null;
    }
}
