using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;

namespace Flanneld.Backends;

/// <summary><c>alloc</c>: leases without routes; something else carries the packets.</summary>
internal sealed class AllocBackend : IBackend
{
    public string Type => FlannelContract.AllocBackend;

    public bool RequiresRoute => false;

    public LeaseAttributes CreateAttributes(Ipv4Address publicIp, string? publicIpv6, InstanceIdentity? identity) =>
        new(publicIp, publicIpv6, Type, null, null);

    public int MtuFor(int interfaceMtu) => interfaceMtu;
}
