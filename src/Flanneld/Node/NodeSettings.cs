using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flannel.RouteController;
using Flanneld.Backends;
using Flanneld.Controller;
using Flanneld.Host;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>What an operator decides about one node.</summary>
/// <param name="PublicIp">What other nodes reach this one by.</param>
/// <param name="Mtu">Of the interface between the hosts.</param>
internal sealed record NodeSettings(EtcdKeys Keys, Ipv4Address PublicIp, int Mtu)
{
    public string? PublicIpv6 { get; init; }

    public bool IpMasq { get; init; }

    public TimeSpan RenewMargin { get; init; } = TimeSpan.FromMinutes(60);

    public TimeSpan LeaseTime { get; init; } = FlannelContract.LeaseTime;

    public bool MayControlRoutes { get; init; } = true;

    public TimeSpan RouteResync { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How often systemd's watchdog is to hear of the node; null for never.</summary>
    public TimeSpan? WatchdogInterval { get; init; }

    public RouteControllerOptions ControllerOptions(AliVpcBackendConfig backend) =>
        new(backend.RouteTableIds) { Resync = RouteResync };
}

/// <summary>The host that a node informs.</summary>
internal sealed record NodeHost(
    ISubnetFile SubnetFile, LastSubnetFile LastSubnet, NodeHealth Health, ControllerMetrics ControllerMetrics, SystemdNotifier Systemd,
    LivenessMonitor Loops);

/// <summary>What a node depends on.</summary>
/// <param name="OpenCloud">The cloud's API with the credentials that a network configuration and this host give.</param>
internal sealed record NodeServices(
    IEtcd Etcd, INodeIdentity Identity, Func<AliVpcBackendConfig, ICloudAccess> OpenCloud, ILoggerFactory Loggers, TimeProvider Time,
    Random Random);
