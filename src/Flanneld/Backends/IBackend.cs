using Flannel.AliCloud.Metadata;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;

namespace Flanneld.Backends;

/// <summary>How containers' packets reach other nodes: <c>Backend.Type</c> of the network configuration. Immutable.</summary>
internal interface IBackend
{
    /// <summary>As in the network configuration and in the lease.</summary>
    string Type { get; }

    /// <summary>Whether the subnet may be used only while the route controller reports the route to this node's instance as available. The
    /// lease then names the instance.</summary>
    bool RequiresRoute { get; }

    /// <summary>The tunnel that the node sets up before it acquires a lease; null without one.</summary>
    VxlanBackendConfig? Tunnel { get; }

    /// <summary>Whether <see cref="Tunnel"/> is only used while a route cannot be created.</summary>
    bool HasFallback => RequiresRoute && Tunnel is not null;

    /// <summary>Whether the node sets up a second tunnel for IPv6 with the settings of <see cref="Tunnel"/>. Without it, IPv6 subnets are
    /// leased, and something else carries their packets.</summary>
    bool HasIpv6Tunnel => false;

    /// <summary>The value of this node's lease; null until everything that the backend requires is known.</summary>
    LeaseAttributes? CreateAttributes(BackendNode node);

    /// <summary>The MTU of the containers' interfaces, in bytes.</summary>
    /// <param name="interfaceMtu">Of the interface between the hosts.</param>
    int MtuFor(int interfaceMtu);
}

/// <summary>What a backend may write into the lease of a node.</summary>
internal sealed record BackendNode(Ipv4Address PublicIp, string? PublicIpv6)
{
    /// <summary>Null while it is not known.</summary>
    public InstanceIdentity? Identity { get; init; }

    /// <summary>Of the node's VXLAN device; null while it is not known.</summary>
    public MacAddress? VtepMac { get; init; }

    /// <summary>Of the VXLAN device of IPv6; null while it is not known, and without IPv6.</summary>
    public MacAddress? VtepMacV6 { get; init; }
}
