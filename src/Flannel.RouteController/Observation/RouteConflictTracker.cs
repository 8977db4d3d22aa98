using Flannel.AliCloud.Vpc;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Observation;

/// <summary>The entries that this controller does not change. It logs each once when it appears and once when it is gone.</summary>
internal sealed class RouteConflictTracker(VpcId vpc, OwnershipMark mark, ILogger log)
{
    private readonly HashSet<string> reportedClusters = [];
    private readonly Dictionary<ConflictKey, RouteConflict> known = [];

    private sealed record ConflictKey(string TableId, string EntryId, ConflictKind Kind);

    public IReadOnlyList<RouteConflict> All => [.. known.Values];

    public void Observe(string tableId, IEnumerable<RouteAction> actions)
    {
        var current = new Dictionary<ConflictKey, RouteAction.Conflict>();
        foreach (var conflict in actions.OfType<RouteAction.Conflict>())
            current.TryAdd(new ConflictKey(tableId, conflict.Entry.RouteEntryId, conflict.Kind), conflict);
        foreach (var key in known.Keys.Where(key => key.TableId == tableId && !current.ContainsKey(key)).ToList())
        {
            RouteControllerLog.ConflictGone(log, tableId, known[key].Destination, key.EntryId);
            known.Remove(key);
        }

        foreach (var (key, conflict) in current)
        {
            var entry = conflict.Entry;
            var found = new RouteConflict(
                tableId, entry.RouteEntryId, entry.DestinationText, conflict.Kind, entry.Name, ClusterOf(entry));
            if (known.TryAdd(key, found)) Log(conflict);
        }

        foreach (var ofCluster in known.Values.Where(entry => entry.RouteTableId == tableId && entry.Cluster is not null)
            .GroupBy(entry => entry.Cluster!))
        {
            if (reportedClusters.Add(ofCluster.Key)) RouteControllerLog.OtherClusterSeen(log, vpc, ofCluster.Count(), ofCluster.Key);
        }
    }

    /// <summary>Forgets the tables that are not observed any more.</summary>
    public void RetainTables(IEnumerable<string> tableIds)
    {
        var ids = tableIds.ToHashSet();
        foreach (var key in known.Keys.Where(key => !ids.Contains(key.TableId)).ToList()) known.Remove(key);
    }

    private string? ClusterOf(RouteEntry entry) =>
        mark.OwnerOf(entry) == RouteOwner.OtherCluster ? OwnershipMark.TokenOf(entry) : null;

    private void Log(RouteAction.Conflict conflict)
    {
        var entry = conflict.Entry;
        var hops = NextHops.IdsOf(entry);
        if (conflict.Kind is ConflictKind.Occupied or ConflictKind.Narrower)
        {
            RouteControllerLog.Conflict(
                log, conflict.Kind, conflict.RouteTableId, entry.DestinationText, hops, entry.RouteEntryId,
                conflict.Desired?.Destination.ToString() ?? "-");
        }
        else
        {
            RouteControllerLog.Unmanaged(log, conflict.Kind, conflict.RouteTableId, entry.DestinationText, hops, entry.RouteEntryId);
        }
    }
}
