using Flannel.Core;
using Flannel.Core.Addresses;

namespace Flanneld.Options;

internal enum LogFormat { Text, Systemd, Json }

/// <summary>What the operator asked for. Set while flags and environment are read, not changed afterwards.</summary>
internal sealed class DaemonOptions
{
    public IReadOnlyList<Uri> EtcdEndpoints { get; set; } = [new("http://127.0.0.1:4001"), new("http://127.0.0.1:2379")];
    public string EtcdPrefix { get; set; } = "/coreos.com/network";
    public string? EtcdKeyFile { get; set; }
    public string? EtcdCertFile { get; set; }
    public string? EtcdCaFile { get; set; }
    public string? EtcdUsername { get; set; }
    public Secret? EtcdPassword { get; set; }
    public string? EtcdPasswordFile { get; set; }

    public List<string> Interfaces { get; } = [];
    public List<string> InterfaceRegexes { get; } = [];
    public Ipv4Address? InterfaceCanReach { get; set; }
    public Ipv4Address? PublicIp { get; set; }
    public string? PublicIpv6 { get; set; }

    public string SubnetFile { get; set; } = "/run/flannel/subnet.env";
    public TimeSpan RenewMargin { get; set; } = TimeSpan.FromMinutes(60);
    public bool IpMasq { get; set; }

    public Uri MetadataEndpoint { get; set; } = new("http://100.100.100.200");
    public Uri? VpcEndpoint { get; set; }
    public Uri? EcsEndpoint { get; set; }
    public string? AccessKeyFile { get; set; }
    public bool MayControlRoutes { get; set; } = true;
    public TimeSpan RouteResync { get; set; } = TimeSpan.FromSeconds(60);
    public bool DryRun { get; set; }

    public System.Net.IPAddress HealthzIp { get; set; } = System.Net.IPAddress.Any;
    public int HealthzPort { get; set; }

    public LogFormat? LogFormat { get; set; }
    public int Verbosity { get; set; }

    public bool Help { get; set; }
    public bool Version { get; set; }
}
