using Flannel.Core;
using Flannel.Core.Leases;

namespace Flanneld.Backends;

/// <summary><c>alloc</c>: leases without routes; something else carries the packets.</summary>
internal sealed class AllocBackend : IBackend
{
    public string Type => FlannelContract.AllocBackend;

    public bool RequiresRoute => false;

    public VxlanBackendConfig? Tunnel => null;

    public LeaseAttributes CreateAttributes(BackendNode node) => new(node.PublicIp, node.PublicIpv6, Type, null, null);

    public int MtuFor(int interfaceMtu) => interfaceMtu;
}
