using System.Globalization;
using Flannel.Etcd.Registry;

namespace Flanneld.Options;

/// <summary>The defaults of the flags: for the options, <c>--help</c> and the packages' files. Those that upstream has are
/// upstream's.</summary>
internal static class OptionDefaults
{
    public const string EtcdEndpoints = "http://127.0.0.1:4001,http://127.0.0.1:2379";
    public const string EtcdPrefix = "/coreos.com/network";
    public const string KubeAnnotationPrefix = "flannel.alpha.coreos.com";
    public const string NetConfigPath = "/etc/kube-flannel/net-conf.json";
    public const string SubnetFile = "/run/flannel/subnet.env";
    public const string MetadataEndpoint = "http://100.100.100.200";
    public const string HealthzIp = "0.0.0.0";
    public const int HealthzPort = 0;

    /// <summary>In our container images, as in the systemd service.</summary>
    public const int ImageHealthzPort = 8471;

    public static readonly TimeSpan RenewMargin = EtcdSubnetManagerOptions.DefaultRenewMargin;
    public static readonly TimeSpan RouteResync = TimeSpan.FromSeconds(60);
    public static readonly TimeSpan IptablesResync = TimeSpan.FromSeconds(5);
    public static readonly TimeSpan ReleaseWait = TimeSpan.FromSeconds(60);

    public static string Minutes(TimeSpan time) => time.TotalMinutes.ToString("0", CultureInfo.InvariantCulture);

    public static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0", CultureInfo.InvariantCulture);
}
