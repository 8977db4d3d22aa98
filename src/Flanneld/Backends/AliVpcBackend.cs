using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.RouteController.Planning;

namespace Flanneld.Backends;

/// <summary><c>ali-vpc</c>: the VPC's route tables carry the packets. The lease says where the route must lead.</summary>
internal sealed class AliVpcBackend(AliVpcBackendConfig config) : IBackend
{
    public AliVpcBackendConfig Config => config;

    public string Type => FlannelContract.AliVpcBackend;

    public bool RequiresRoute => true;

    public LeaseAttributes? CreateAttributes(BackendNode node) =>
        node.Identity is { } identity
            ? new LeaseAttributes(node.PublicIp, node.PublicIpv6, Type, AliVpcBackendData.Of(identity).ToJson(), null)
            : null;

    /// <summary>The VPC routes without a header of its own.</summary>
    public int MtuFor(int interfaceMtu) => interfaceMtu;
}
