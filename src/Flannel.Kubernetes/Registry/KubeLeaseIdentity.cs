using Flannel.Core.Leases;

namespace Flannel.Kubernetes.Registry;

/// <summary>The Node that holds a lease. A Node that is deleted and created again has the same name and another UID.</summary>
public sealed record KubeLeaseIdentity(string Node, string Uid, DateTimeOffset Creation) : LeaseIdentity
{
    public override long Order => Creation.ToUnixTimeSeconds();
}
