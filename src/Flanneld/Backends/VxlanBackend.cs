using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.HostNetwork.Vxlan;

namespace Flanneld.Backends;

/// <summary><c>vxlan</c>: the nodes carry the packets in UDP between themselves. The lease names the MAC address of the node's VXLAN
/// device.</summary>
internal sealed class VxlanBackend(VxlanBackendConfig config) : IBackend
{
    public VxlanBackendConfig Config => config;

    public string Type => FlannelContract.VxlanBackend;

    public bool RequiresRoute => false;

    public VxlanBackendConfig Tunnel => config;

    public LeaseAttributes? CreateAttributes(BackendNode node) =>
        node.VtepMac is { } mac
            ? new LeaseAttributes(node.PublicIp, node.PublicIpv6, Type, new VxlanBackendData(config.Vni, mac).ToJson(), null)
            : null;

    public int MtuFor(int interfaceMtu) => config.MtuFor(interfaceMtu);
}
