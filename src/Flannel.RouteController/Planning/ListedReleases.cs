using Flannel.Core.Leases;

namespace Flannel.RouteController.Planning;

/// <summary>A release that was not seen to happen: a listing has it.</summary>
/// <param name="LeaseKey">The name of the lease's key.</param>
/// <param name="At">When it was seen first, as a timestamp of the time provider.</param>
public sealed record ListedRelease(VpcId Vpc, string LeaseKey, long At);

/// <summary>Which released leases this controller knows from a listing alone. A restore of etcd brings old releases back, also of nodes
/// that have leased their subnet again since: such a node notices it within seconds and writes its own value again. So the route of a
/// listed release is kept for <see cref="Hold"/>, that of a release that came as a watch event is not.</summary>
internal sealed class ListedReleases(TimeProvider time)
{
    /// <summary>The restore breaks a node's watch: the node reads its lease at once or some seconds later, and writes its own value.</summary>
    public static readonly TimeSpan Hold = TimeSpan.FromSeconds(15);

    private Dictionary<Release, ListedRelease?> known = [];
    private long? listing;

    private sealed record Release(string LeaseKey, long CreateRevision, long ModRevision, long EtcdLeaseId);

    public IReadOnlyList<ListedRelease> All => [.. known.Values.OfType<ListedRelease>()];

    public void Observe(LeaseSnapshot snapshot)
    {
        var now = new Dictionary<Release, ListedRelease?>();
        foreach (var lease in snapshot.Leases)
        {
            if (DesiredVpcState.RouteOf(lease) is not { Node: { Released: true } node } route) continue;
            var release = new Release(route.Key, lease.CreateRevision, lease.ModRevision, lease.EtcdLeaseId);
            if (!known.TryGetValue(release, out var listed) && listing != snapshot.Listing)
                listed = new ListedRelease(new VpcId(node.RegionId, node.VpcId), route.Key, time.GetTimestamp());
            now[release] = listed;
        }

        known = now;
        listing = snapshot.Listing;
    }
}
