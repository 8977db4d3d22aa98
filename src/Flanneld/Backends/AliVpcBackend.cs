using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.RouteController.Planning;

namespace Flanneld.Backends;

/// <summary><c>ali-vpc</c>: the VPC's route tables carry the packets. The lease says where the route must lead.</summary>
internal sealed class AliVpcBackend(AliVpcBackendConfig config) : IBackend
{
    public AliVpcBackendConfig Config => config;

    public string Type => FlannelContract.AliVpcBackend;

    public bool RequiresRoute => true;

    public LeaseAttributes? CreateAttributes(Ipv4Address publicIp, string? publicIpv6, InstanceIdentity? identity) =>
        identity is null ? null : new LeaseAttributes(publicIp, publicIpv6, Type, AliVpcBackendData.Of(identity).ToJson(), null);

    /// <summary>The VPC routes without a header of its own.</summary>
    public int MtuFor(int interfaceMtu) => interfaceMtu;
}
