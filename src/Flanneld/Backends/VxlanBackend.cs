using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.HostNetwork.Vxlan;

namespace Flanneld.Backends;

/// <summary><c>vxlan</c>: the nodes carry the packets in UDP between themselves. The lease names the MAC address of the node's VXLAN
/// device, of each address family.</summary>
/// <param name="isDualStack">Whether the network configuration enables IPv6.</param>
internal sealed class VxlanBackend(VxlanBackendConfig config, bool isDualStack = false) : IBackend
{
    public string Type => FlannelContract.VxlanBackend;

    public bool RequiresRoute => false;

    public VxlanBackendConfig Tunnel => config;

    public bool HasIpv6Tunnel => isDualStack;

    /// <summary>The backend of a configuration; fails if IPv6 cannot work with its settings.</summary>
    public static Result<IBackend> Create(VxlanBackendConfig config, bool isDualStack)
    {
        const int smallestMtu = VxlanDevice.SmallestIpv6Mtu + VxlanDevice.Ipv6Overhead;
        if (isDualStack && config.Vni > VxlanDevice.LargestIpv6Vni)
        {
            return Result.Failure($"Backend.VNI {config.Vni} is too large for EnableIPv6: it must be at most {VxlanDevice.LargestIpv6Vni},"
                + " because the device's name has at most 15 characters");
        }

        if (isDualStack && config.Mtu < smallestMtu)
            return Result.Failure($"Backend.MTU {config.Mtu} is too small for EnableIPv6: it must be at least {smallestMtu}");
        return new VxlanBackend(config, isDualStack);
    }

    public LeaseAttributes? CreateAttributes(BackendNode node)
    {
        if (node.VtepMac is not { } mac || (isDualStack && node.VtepMacV6 is null)) return null;
        var ipv6 = isDualStack && node.VtepMacV6 is { } macV6 ? new VxlanBackendData(config.Vni, macV6).ToJson() : null;
        return new LeaseAttributes(node.PublicIp, node.PublicIpv6, Type, new VxlanBackendData(config.Vni, mac).ToJson(), ipv6);
    }

    /// <summary>Of a dual-stack node that of IPv6, because the containers use one MTU for both families. Upstream writes that of IPv4, and
    /// larger IPv6 packets are answered with "packet too big".</summary>
    public int MtuFor(int interfaceMtu) => config.MtuFor(interfaceMtu, isDualStack);
}
