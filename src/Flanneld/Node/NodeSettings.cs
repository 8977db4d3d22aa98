using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.HostNetwork;
using Flannel.HostNetwork.Vxlan;
using Flanneld.Controller;
using Flanneld.Host;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>The settings of one node.</summary>
/// <param name="PublicIp">The address by which other nodes reach this one.</param>
/// <param name="Mtu">Of the interface between the hosts, in bytes.</param>
internal sealed record NodeSettings(Ipv4Address PublicIp, int Mtu)
{
    /// <summary>The MTU of the containers, in bytes; null for the backend's.</summary>
    public int? ContainerMtu { get; init; }

    /// <summary>The value of <c>--public-ipv6</c>; null without it.</summary>
    public IpAddress? PublicIpv6 { get; init; }

    /// <summary>The name of the interface between the hosts, and its address; for backend vxlan.</summary>
    public string InterfaceName { get; init; } = "";

    public Ipv4Address InterfaceAddress { get; init; } = PublicIp;

    /// <summary>The IPv6 address of that interface; null without one.</summary>
    public IpAddress? InterfaceIpv6Address { get; init; }

    /// <summary>Whether <c>--set-sysctls</c> is given.</summary>
    public bool SetSysctls { get; init; }

    /// <summary>Devices of this host with a name that backend vxlan gives.</summary>
    public IReadOnlyList<string> TunnelDevices { get; init; } = [];

    /// <summary>Null: the firewall of the host is neither read nor changed.</summary>
    public FirewallSettings? Firewall { get; init; }

    public bool IpMasq => Firewall is { Masquerades: true };

    public bool MayControlRoutes { get; init; } = true;

    /// <summary>Between two keep-alives for systemd's watchdog; null without a watchdog.</summary>
    public TimeSpan? WatchdogInterval { get; init; }
}

/// <summary>The parts of the host that a node reads and changes.</summary>
internal sealed record NodeHost(
    ISubnetFile SubnetFile, LastSubnetFile LastSubnet, NodeReadiness Readiness, SystemdNotifier Systemd, LivenessMonitor Loops)
{
    /// <summary>Null without <c>--install-cni</c>.</summary>
    public ConflistFile? Conflist { get; init; }

    /// <summary>Counts what is restored on the host.</summary>
    public HostRepairs Repairs { get; init; } = new();
}

/// <summary>The services that a node depends on.</summary>
/// <param name="Candidates">Creates the node's candidate for route controller.</param>
internal sealed record NodeServices(
    ISubnetManager Subnets, INodeIdentity Identity, ICandidateFactory Candidates, ILoggerFactory Loggers, TimeProvider Time)
{
    /// <summary>The commands that change the host's network; for backend vxlan.</summary>
    public IHostCommands HostCommands { get; init; } = new Iproute2(Time);

    public KernelSettings KernelSettings { get; init; } = new();

    public Random Random { get; init; } = new SharedRandom();
}
