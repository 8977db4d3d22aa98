using Flannel.Core.Leases;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Observation;

/// <summary>Which released leases this controller knows from a listing alone. A restore of etcd brings old releases back, also of nodes
/// that have leased their subnet again since. Such a node notices it within seconds and writes its value again. Therefore the route of a
/// listed release is kept for <see cref="Hold"/>; that of a release that came as a watch event is deleted at once.</summary>
internal sealed class ListedReleaseTracker(TimeProvider time)
{
    /// <summary>A restore breaks a node's watch. The node then reads its lease at once or some seconds later, and writes its
    /// value.</summary>
    public static readonly TimeSpan Hold = TimeSpan.FromSeconds(15);

    private Dictionary<Release, ListedRelease?> known = [];
    private long? listing;

    private sealed record Release(string LeaseKey, LeaseIdentity Identity, long Version);

    public IReadOnlyList<ListedRelease> All => [.. known.Values.OfType<ListedRelease>()];

    public void Observe(LeaseSnapshot snapshot)
    {
        var current = new Dictionary<Release, ListedRelease?>();
        foreach (var lease in snapshot.Leases)
        {
            if (DesiredVpcState.RouteOf(lease) is not { Node: { Released: true } node } route) continue;
            var release = new Release(route.Key, lease.Identity, lease.Version);
            if (!known.TryGetValue(release, out var listed) && listing != snapshot.Listing)
                listed = new ListedRelease(VpcId.Of(node), route.Key, time.GetTimestamp());
            current[release] = listed;
        }

        known = current;
        listing = snapshot.Listing;
    }
}
