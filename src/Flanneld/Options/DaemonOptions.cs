using System.Net;
using Flannel.AliCloud.Http;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flannel.Kubernetes.Client.Access;
using Flanneld.Options.Installed;

namespace Flanneld.Options;

internal enum OutputFormat { Table, Wide, Json, Yaml }

/// <summary>When output has colors.</summary>
internal enum ColorMode { Auto, Always, Never }

internal enum LogFormat { Text, Systemd, Json }

/// <summary>The values of all flags. Set while flags and environment are read, and not changed afterwards.</summary>
internal sealed class DaemonOptions
{
    public Command Command { get; set; }

    /// <summary>Null for the daemon.</summary>
    public CommandDescriptor? Descriptor => CommandDescriptor.All.FirstOrDefault(descriptor => descriptor.Command == Command);

    /// <summary>The argument of the command; null if it is not given.</summary>
    public string? Argument { get; set; }

    /// <summary>Of the installed service; only for a command.</summary>
    public InstalledSettings Installed { get; set; } = InstalledSettings.None;

    public string EtcdEndpoints { get; set; } = OptionDefaults.EtcdEndpoints;

    public bool IsEtcdTls => EtcdEndpoints.Contains("https://", StringComparison.OrdinalIgnoreCase);

    public EtcdKeys EtcdKeys { get; set; } = EtcdKeys.Parse(OptionDefaults.EtcdPrefix).Value;
    public string? EtcdKeyFile { get; set; }
    public string? EtcdCertFile { get; set; }
    public string? EtcdCaFile { get; set; }
    public string? EtcdUsername { get; set; }
    public Secret? EtcdPassword { get; set; }
    public string? EtcdPasswordFile { get; set; }

    /// <summary>The node's subnet is its <c>podCIDR</c> in Kubernetes.</summary>
    public bool IsKubeSubnetManager { get; set; }

    /// <summary>Scheme, host and port of the API server; null for that of the kubeconfig, or of the pod.</summary>
    public Uri? KubeApiUrl { get; set; }

    /// <summary>Null inside of a pod.</summary>
    public string? KubeconfigFile { get; set; }

    /// <summary>As it is typed, with at most one slash.</summary>
    public string KubeAnnotationPrefix { get; set; } = OptionDefaults.KubeAnnotationPrefix;

    /// <summary>The file of the network configuration, with Kubernetes.</summary>
    public string NetConfigPath { get; set; } = OptionDefaults.NetConfigPath;

    /// <summary>Whether a ready node sets its condition <c>NetworkUnavailable</c> to false.</summary>
    public bool SetsNodeNetworkUnavailable { get; set; } = true;

    /// <summary>Every user of the host can read the command line, and crash reports contain it.</summary>
    public bool IsPasswordOnCommandLine { get; set; }

    /// <summary>Where each setting that is not the default came from.</summary>
    public List<SettingSource> Sources { get; } = [];

    /// <summary>Why the settings of this host are not used, and the options are the defaults; null if they are valid. Only for
    /// <c>bugreport</c>.</summary>
    public string? SettingsError { get; set; }

    /// <summary>Accepted settings that are probably mistakes, one line each.</summary>
    public IReadOnlyList<string> Warnings { get; set; } = [];

    public List<string> Interfaces { get; } = [];
    public List<string> InterfaceRegexes { get; } = [];
    public Ipv4Address? InterfaceCanReach { get; set; }
    public Ipv4Address? PublicIp { get; set; }
    public IpAddress? PublicIpv6 { get; set; }

    public string SubnetFile { get; set; } = OptionDefaults.SubnetFile;

    /// <summary>The folder of the conflist; null for none.</summary>
    public string? InstallCni { get; set; }

    /// <summary>The operator's own conflist; null for the generated one.</summary>
    public string? InstallCniConf { get; set; }

    public TimeSpan RenewMargin { get; set; } = OptionDefaults.RenewMargin;
    public bool IpMasq { get; set; }
    public bool IsIpMasqFullyRandom { get; set; } = true;
    public List<Ipv4Network> IpMasqExclude { get; } = [];

    /// <summary>Null if the flag is not given: the rules are set if the daemon may set them.</summary>
    public bool? IptablesForwardRules { get; set; }
    public TimeSpan IptablesResync { get; set; } = OptionDefaults.IptablesResync;

    /// <summary>Of 'cleanup': the rules of all networks.</summary>
    public bool All { get; set; }

    /// <summary>Bytes; null for the interface's.</summary>
    public int? Mtu { get; set; }

    public bool SetSysctls { get; set; }

    public string MetadataEndpoint { get; set; } = OptionDefaults.MetadataEndpoint;
    public CloudEndpoint? VpcEndpoint { get; set; }
    public CloudEndpoint? EcsEndpoint { get; set; }
    public CloudEndpoint? StsEndpoint { get; set; }
    public CloudEndpoint? QuotasEndpoint { get; set; }
    public string? AccessKeyFile { get; set; }
    public bool MayControlRoutes { get; set; } = true;
    public TimeSpan RouteResync { get; set; } = OptionDefaults.RouteResync;
    public bool DryRun { get; set; }
    public OutputFormat Output { get; set; }

    /// <summary>Of 'check': a warning fails, too.</summary>
    public bool IsStrict { get; set; }

    public ColorMode Color { get; set; }

    /// <summary>Of 'routes': print again on every change.</summary>
    public bool IsWatch { get; set; }

    public bool RemoveUnmanaged { get; set; }
    public bool DeleteStale { get; set; }

    /// <summary>Whether a flag says which routes are to be deleted.</summary>
    public bool HasRouteSelection => RemoveUnmanaged || DeleteStale || RemoveRoutesOf is not null;

    /// <summary>The mark of the cluster whose routes are to be deleted; null for none.</summary>
    public string? RemoveRoutesOf { get; set; }

    /// <summary>Of the commands that ask for a confirmation: it is given.</summary>
    public bool IsConfirmed { get; set; }

    /// <summary>Null if the flag is not given.</summary>
    public TimeSpan? ReleaseWait { get; set; }
    public bool Force { get; set; }

    /// <summary>Of 'bugreport': the path, or <c>-</c> for standard output; null for a new file in the current folder.</summary>
    public string? ReportFile { get; set; }

    public IPAddress HealthzIp { get; set; } = IPAddress.Parse(OptionDefaults.HealthzIp);
    public int HealthzPort { get; set; } = OptionDefaults.HealthzPort;

    public LogFormat? LogFormat { get; set; }
    public int Verbosity { get; set; }

    public bool Help { get; set; }
    public bool Version { get; set; }

    /// <param name="environment">With the address of the API server in a pod.</param>
    public KubeAccessOptions CreateKubeAccess(IReadOnlyDictionary<string, string> environment) => new()
    {
        ApiUrl = KubeApiUrl?.ToString() ?? "",
        KubeconfigFile = KubeconfigFile ?? "",
        Environment = environment.GetValueOrDefault,
    };

    /// <summary>Where the address and the credentials of the Kubernetes API are from, for messages.</summary>
    public string DescribeKubeAccess()
    {
        if (KubeconfigFile is { } file) return $"kubeconfig {Redaction.Path(file)}{(KubeApiUrl is { } server ? $" at {server}" : "")}";
        return KubeApiUrl?.ToString() ?? "the service account of the pod";
    }

    /// <param name="password">Of <see cref="EtcdPassword"/> or <see cref="EtcdPasswordFile"/>.</param>
    public Result<EtcdOptions> CreateEtcdOptions(Secret? password) =>
        EtcdOptions.Create(EtcdEndpoints, EtcdCaFile, EtcdCertFile, EtcdKeyFile, EtcdUsername, password);
}
