using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.RouteController.Planning;

namespace Flanneld.Backends;

/// <summary><c>ali-vpc</c>: the VPC's route tables carry the packets. The lease says where the route must lead. With <c>Fallback</c>, it
/// also names the node's VXLAN device, through which the node is reached while its route cannot be created.</summary>
internal sealed class AliVpcBackend(AliVpcBackendConfig config) : IBackend
{
    public AliVpcBackendConfig Config => config;

    public string Type => FlannelContract.AliVpcBackend;

    public bool RequiresRoute => true;

    public VxlanBackendConfig? Tunnel => config.Fallback;

    public LeaseAttributes? CreateAttributes(BackendNode node)
    {
        if (node.Identity is not { } identity) return null;
        var data = AliVpcBackendData.Of(identity);
        if (config.Fallback is { } tunnel)
        {
            if (node.VtepMac is not { } mac) return null;
            data = data with { Vni = tunnel.Vni, VtepMac = mac.ToString() };
        }

        return new LeaseAttributes(node.PublicIp, node.PublicIpv6, Type, data.ToJson(), null);
    }

    /// <summary>The VPC routes without a header of its own. With <c>Fallback</c>, the packets of every node must fit into the tunnel from
    /// the start: the path changes while containers run.</summary>
    public int MtuFor(int interfaceMtu) => config.Fallback?.MtuFor(interfaceMtu) ?? interfaceMtu;
}
