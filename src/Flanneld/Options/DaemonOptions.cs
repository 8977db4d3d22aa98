using Flannel.AliCloud.Http;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flanneld.Host;

namespace Flanneld.Options;

internal enum OutputFormat { Table, Json }

internal enum LogFormat { Text, Systemd, Json }

/// <summary>What the operator asked for. Set while flags and environment are read, not changed afterwards.</summary>
internal sealed class DaemonOptions
{
    public Command Command { get; set; }

    public string EtcdEndpoints { get; set; } = "http://127.0.0.1:4001,http://127.0.0.1:2379";
    public EtcdKeys EtcdKeys { get; set; } = EtcdKeys.TryCreate("/coreos.com/network", out var keys, out var error) ? keys : throw new InvalidOperationException(error);
    public string? EtcdKeyFile { get; set; }
    public string? EtcdCertFile { get; set; }
    public string? EtcdCaFile { get; set; }
    public string? EtcdUsername { get; set; }
    public Secret? EtcdPassword { get; set; }
    public string? EtcdPasswordFile { get; set; }

    /// <summary>Where every user of the host sees it, and every report of a crash holds it.</summary>
    public bool IsPasswordOnCommandLine { get; set; }

    /// <summary>Accepted settings that are probably mistakes, one line each.</summary>
    public IReadOnlyList<string> Warnings { get; set; } = [];

    public List<string> Interfaces { get; } = [];
    public List<string> InterfaceRegexes { get; } = [];
    public Ipv4Address? InterfaceCanReach { get; set; }
    public Ipv4Address? PublicIp { get; set; }
    public string? PublicIpv6 { get; set; }

    public string SubnetFile { get; set; } = "/run/flannel/subnet.env";
    public TimeSpan RenewMargin { get; set; } = TimeSpan.FromMinutes(60);
    public bool IpMasq { get; set; }

    public string MetadataEndpoint { get; set; } = "http://100.100.100.200";
    public CloudEndpoint? VpcEndpoint { get; set; }
    public CloudEndpoint? EcsEndpoint { get; set; }
    public CloudEndpoint? StsEndpoint { get; set; }
    public CloudEndpoint? QuotasEndpoint { get; set; }
    public string? AccessKeyFile { get; set; }
    public bool MayControlRoutes { get; set; } = true;
    public TimeSpan RouteResync { get; set; } = TimeSpan.FromSeconds(60);
    public bool DryRun { get; set; }
    public OutputFormat Output { get; set; }
    public bool RemoveLeftovers { get; set; }
    public bool DeleteStale { get; set; }

    /// <summary>The mark of the cluster whose routes are to be deleted; null for none.</summary>
    public string? RemoveRoutesOf { get; set; }
    public TimeSpan ReleaseWait { get; set; } = TimeSpan.FromSeconds(60);
    public bool Force { get; set; }

    public System.Net.IPAddress HealthzIp { get; set; } = System.Net.IPAddress.Any;
    public int HealthzPort { get; set; }

    public LogFormat? LogFormat { get; set; }
    public int Verbosity { get; set; }

    public bool Help { get; set; }
    public bool Version { get; set; }

    /// <param name="password">Of <see cref="EtcdPassword"/> or <see cref="EtcdPasswordFile"/>.</param>
    /// <param name="error">One line, when the answer is null.</param>
    public EtcdOptions? CreateEtcdOptions(Secret? password, out string error) =>
        EtcdOptions.Create(EtcdEndpoints, EtcdCaFile, EtcdCertFile, EtcdKeyFile, EtcdUsername, password, out error);
}
