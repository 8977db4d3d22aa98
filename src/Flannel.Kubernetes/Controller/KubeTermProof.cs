using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Registry;

namespace Flannel.Kubernetes.Controller;

/// <summary>Reads the election, the cluster and the leases that a deletion of routes is based on from etcd, not from a cache of the API
/// server.</summary>
/// <remarks>The objects are read one after another, the election last: it was held when the others were as they were read.</remarks>
internal sealed class KubeTermProof(KubeControllerContext context, TermFence fence, KubeClusterStore cluster)
{
    private readonly ControllerApi api = context.Api;

    /// <param name="absent">Subnets that no node must have.</param>
    /// <param name="unchanged">Leases that must be as they were read.</param>
    /// <exception cref="KubeException">The API server is unavailable or rejects the request.</exception>
    public async Task<TermProof> ProveAsync(
        IReadOnlyCollection<IpNetwork> absent, IReadOnlyCollection<Lease> unchanged, CancellationToken cancellation)
    {
        var isAsAssumed = (absent.Count == 0 && unchanged.Count == 0)
            || IsAsAssumed(await api.ListNodesAsync(cancellation), absent, unchanged);
        if (!await cluster.IsSameAsync(cancellation)) return TermProof.Unproven;
        var election = await LimitedRequest.RunAsync(
            limited => api.GetLeaseAsync(ControllerObjects.ElectionName, limited), ElectionTimes.WriteLimit, context.Time, cancellation);
        if (!fence.Holds(election)) return TermProof.Unproven;
        return isAsAssumed ? TermProof.Proven : TermProof.LeasesDiffer;
    }

    private bool IsAsAssumed(
        IReadOnlyList<KubeNode> nodes, IReadOnlyCollection<IpNetwork> absent, IReadOnlyCollection<Lease> unchanged)
    {
        var leased = nodes.SelectMany(node => node.PodCidrs).Select(Parse).OfType<IpNetwork>().ToList();
        if (absent.Any(subnet => leased.Any(subnet.Overlaps))) return false;
        var current = nodes.Select(node => context.Kube.Leases.Read(node)).OfType<NodeLease.Leased>()
            .ToDictionary(node => node.Lease.Identity, node => node.Lease);
        return unchanged.All(lease =>
            current.TryGetValue(lease.Identity, out var now) && now.Key == lease.Key && now.Version == lease.Version);
    }

    /// <summary>With host bits as zero, as upstream reads them.</summary>
    private static IpNetwork? Parse(string podCidr)
    {
        if (Ipv4Network.TryParse(podCidr, '/', out var ipv4, out _)) return ipv4;
        return Ipv6Network.TryParse(podCidr, '/', out var ipv6, out _) ? ipv6 : null;
    }
}
