using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;

namespace Flannel.HostNetwork.Vxlan;

/// <summary>Which pairs of nodes use the tunnel in a cluster of backend ali-vpc with <c>Fallback</c>: those of which one is in fallback.
/// The rule is symmetric, so that packets of both directions take the same path. Not thread-safe.</summary>
/// <param name="self">This node's subnet.</param>
public sealed class FallbackTable(IpNetwork self)
{
    // Bounded by the number of subnets of the network.
    private readonly Dictionary<IpNetwork, Decision> decisions = [];

    /// <param name="InstanceId">The node that it is about.</param>
    private sealed record Decision(string InstanceId, bool IsInFallback, bool IsRejected);

    /// <summary>Whether this node is in fallback: its peers reach it, and it reaches them, through the tunnel.</summary>
    public bool IsSelfInFallback => decisions.TryGetValue(self, out var own) && own.IsInFallback;

    /// <param name="tunnelled">The subnets that have a route through the tunnel now. A node without a status and without an earlier
    /// decision keeps the path that it has.</param>
    public void Update(IEnumerable<Lease> leases, RouteStatusSnapshot statuses, IReadOnlySet<IpNetwork> tunnelled)
    {
        foreach (var lease in leases)
        {
            if (LeaseInstance.Read(lease.Attributes) is not { } instance) continue;
            var status = statuses.Of(lease);
            var last = decisions.TryGetValue(lease.Subnet, out var decision) && decision.InstanceId == instance.Id
                ? decision
                : new Decision(instance.Id, tunnelled.Contains(lease.Subnet), IsRejected: false);
            decisions[lease.Subnet] = last with
            {
                IsInFallback = RouteFallback.Next(last.IsInFallback, status),
                IsRejected = status?.State == RouteState.Rejected || (status is null && last.IsRejected),
            };
        }
    }

    /// <summary>Whether packets to the node of a lease with a VXLAN device take the tunnel. A rejected subnet does not for this node's sake
    /// alone: it may overlap the VPC, whose traffic a host route would redirect.</summary>
    public bool UsesTunnel(Lease lease)
    {
        if (lease.Attributes.BackendType == FlannelContract.VxlanBackend) return true;
        if (!decisions.TryGetValue(lease.Subnet, out var peer)) return IsSelfInFallback;
        return peer.IsInFallback || (IsSelfInFallback && !peer.IsRejected);
    }
}
