using Flannel.AliCloud.Vpc;
using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>Entries of this cluster that another cluster has adopted although a lease of this one leads to the same node. Either the node
/// has moved to that cluster, and its lease here ends within a lease time; or that cluster lived briefly, as when etcd was lost, created
/// anew and then restored from a backup. The entry is taken back when a lease that is newer than the takeover, or older than a lease
/// time, proves the second.</summary>
internal sealed class AdoptedRoutes(OwnershipMark mark, TimeProvider time)
{
    /// <summary>Longer than a lease that nobody renews can last.</summary>
    private static readonly TimeSpan Proven = FlannelContract.LeaseTime + TimeSpan.FromHours(1);

    private const int MostKnown = 10_000;

    private readonly Dictionary<string, Takeover> known = [];
    private readonly HashSet<string> seen = [];

    private sealed record Takeover(long Since, long CreateRevision, long EtcdLeaseId);

    /// <summary>Before the tables of one pass.</summary>
    public void Begin() => seen.Clear();

    /// <summary>Which entries of a table are to be taken back.</summary>
    public IReadOnlySet<string> Observe(IEnumerable<RouteEntry> entries, DesiredVpcState view)
    {
        var back = new HashSet<string>();
        foreach (var entry in entries.Where(mark.WasTakenOver))
        {
            if (view.Nodes.FirstOrDefault(node => node.Destination == entry.Destination && node.IsServedBy(entry))
                is not { Lease: var lease }) continue;
            seen.Add(entry.RouteEntryId);
            if (!known.TryGetValue(entry.RouteEntryId, out var takeover))
                known.Add(entry.RouteEntryId, takeover = new Takeover(time.GetTimestamp(), lease.CreateRevision, lease.EtcdLeaseId));
            var isNewer = lease.CreateRevision != takeover.CreateRevision || lease.EtcdLeaseId != takeover.EtcdLeaseId;
            if (isNewer || time.GetElapsedTime(takeover.Since) >= Proven) back.Add(entry.RouteEntryId);
        }

        return back;
    }

    /// <summary>After the tables of one pass. A lease that ended meanwhile and came back is a newer one.</summary>
    public void End(DesiredVpcState view)
    {
        // The lease of such an entry is gone. A later one proves that the node is in this cluster: any create revision differs from 0.
        if (!view.IsWhole) return;
        foreach (var gone in known.Keys.Where(id => !seen.Contains(id)).ToList()) known[gone] = known[gone] with { CreateRevision = 0 };
        if (known.Count > MostKnown) known.Clear();
    }
}
