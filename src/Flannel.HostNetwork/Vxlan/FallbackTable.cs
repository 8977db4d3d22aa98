using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;

namespace Flannel.HostNetwork.Vxlan;

/// <summary>Which pairs of nodes use the tunnel in a cluster of backend ali-vpc with <c>Fallback</c>: those of which one is in fallback.
/// The rule is symmetric, so that packets of both directions take the same path. Not thread-safe.</summary>
/// <param name="self">This node's subnet.</param>
public sealed class FallbackTable(IpNetwork self, TimeProvider time)
{
    /// <summary>How long the tunnel is kept after the API has reported the route as available. When every host of the VPC forwards by a new
    /// entry is not documented; the tunnel works until then.</summary>
    public static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(1);

    // Bounded by the number of subnets of the network.
    private readonly Dictionary<IpNetwork, Decision> decisions = [];

    /// <param name="InstanceId">The node that it is about.</param>
    private sealed record Decision(string InstanceId, bool IsInFallback)
    {
        /// <summary>The API rejects the route, or rejected it before the status disappeared.</summary>
        public bool IsRejected { get; init; }

        /// <summary>The timestamp of the first update with an available route, until the fallback ends.</summary>
        public long? AvailableSince { get; init; }
    }

    /// <summary>Whether a fallback ends within <see cref="SettleTime"/> of the last update: the next one is due then.</summary>
    public bool IsSettling { get; private set; }

    /// <summary>Whether this node is in fallback: its peers reach it, and it reaches them, through the tunnel.</summary>
    public bool IsSelfInFallback => decisions.TryGetValue(self, out var own) && own.IsInFallback;

    /// <summary>Decides again about every lease that names an instance.</summary>
    /// <param name="tunnelled">The subnets that have a route through the tunnel now. A node without a status and without an earlier
    /// decision keeps the path that it has.</param>
    public void Update(IReadOnlyCollection<Lease> leases, RouteStatusSnapshot statuses, IReadOnlySet<IpNetwork> tunnelled)
    {
        IsSettling = false;
        foreach (var lease in leases)
        {
            if (LeaseInstance.Read(lease.Attributes) is not { } instance) continue;
            var status = statuses.Of(lease);
            var last = decisions.TryGetValue(lease.Subnet, out var decision) && decision.InstanceId == instance.Id
                ? decision
                : new Decision(instance.Id, WasInFallback(lease, status));
            var next = Next(last, status) with
            {
                IsRejected = status?.State == RouteState.Rejected || (status is null && last.IsRejected),
            };
            decisions[lease.Subnet] = next;
            IsSettling |= next.AvailableSince is not null;
        }

        // The path that the kernel has. For this node itself: a tunnel to a node whose route is available is there because this node is in
        // fallback. (Or that node has just left it; then this node's own route usually is available.)
        bool WasInFallback(Lease lease, RouteStatus? status) => lease.Subnet != self
            ? tunnelled.Contains(lease.Subnet)
            : status?.State != RouteState.Available
                && leases.Any(peer => tunnelled.Contains(peer.Subnet) && statuses.Of(peer)?.State == RouteState.Available);
    }

    private Decision Next(Decision last, RouteStatus? status)
    {
        var isInFallback = RouteFallback.Next(last.IsInFallback, status);
        if (isInFallback || !last.IsInFallback) return last with { IsInFallback = isInFallback, AvailableSince = null };
        var since = last.AvailableSince ?? time.GetTimestamp();
        return time.GetElapsedTime(since) < SettleTime
            ? last with { AvailableSince = since }
            : last with { IsInFallback = false, AvailableSince = null };
    }

    /// <summary>Whether packets to the node of a lease with a VXLAN device take the tunnel. If only this node is in fallback, packets to a
    /// peer whose subnet is rejected do not: the subnet may overlap the VPC, whose traffic a host route would redirect.</summary>
    public bool UsesTunnel(Lease lease)
    {
        if (lease.Attributes.BackendType == FlannelContract.VxlanBackend) return true;
        if (!decisions.TryGetValue(lease.Subnet, out var peer)) return IsSelfInFallback;
        return peer.IsInFallback || (IsSelfInFallback && !peer.IsRejected);
    }
}
