using Flannel.AliCloud.Vpc;
using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Observation;

/// <summary>Entries of this cluster that another cluster has taken over although they lead to a node with a lease of this cluster. There
/// are two causes. Either the node has moved to the other cluster; then its lease here ends within a lease time. Or the other cluster
/// existed briefly, as when etcd was lost, created again and then restored from a backup. An entry is reclaimed when a lease that is newer
/// than the takeover, or a lease that has outlived a lease time, proves the second.</summary>
internal sealed class TakeoverTracker(OwnershipMark mark, TimeProvider time)
{
    /// <summary>A lease that exists for longer is renewed: it is longer than the time to live of a lease.</summary>
    private static readonly TimeSpan ProofTime = FlannelContract.LeaseTime + TimeSpan.FromHours(1);

    /// <summary>Bounds the memory.</summary>
    private const int MaxKnown = 10_000;

    private readonly Dictionary<string, Takeover> known = [];
    private readonly HashSet<string> seen = [];

    /// <param name="Lease">Null if that lease is gone.</param>
    private sealed record Takeover(long Since, LeaseIdentity? Lease);

    /// <summary>Called before the tables of one pass.</summary>
    public void Begin() => seen.Clear();

    /// <summary>The ids of the entries of a table that are to be reclaimed.</summary>
    public IReadOnlySet<string> Observe(IEnumerable<RouteEntry> entries, DesiredVpcState desired)
    {
        var reclaimed = new HashSet<string>();
        var takenOver = entries.Where(mark.WasTakenOver).ToList();
        if (takenOver.Count == 0) return reclaimed;
        var routes = desired.RoutesOfNodes.ToDictionary(route => route.Destination);
        foreach (var entry in takenOver)
        {
            if (entry.Destination is not { } destination || !routes.TryGetValue(destination, out var route) || !route.IsSatisfiedBy(entry))
                continue;
            var lease = route.Lease.Identity;
            seen.Add(entry.RouteEntryId);
            if (!known.TryGetValue(entry.RouteEntryId, out var takeover))
                known.Add(entry.RouteEntryId, takeover = new Takeover(time.GetTimestamp(), lease));
            if (lease != takeover.Lease || time.GetElapsedTime(takeover.Since) >= ProofTime) reclaimed.Add(entry.RouteEntryId);
        }

        return reclaimed;
    }

    /// <summary>Called after the tables of one pass. If the lease of an entry is gone, a later one proves that the node is in this
    /// cluster.</summary>
    public void End(DesiredVpcState desired)
    {
        if (!desired.IsComplete) return;
        foreach (var gone in known.Keys.Where(id => !seen.Contains(id)).ToList()) known[gone] = known[gone] with { Lease = null };
        if (known.Count > MaxKnown) known.Clear();
    }
}
