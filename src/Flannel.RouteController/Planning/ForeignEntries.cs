using Flannel.AliCloud.Vpc;
using Flannel.RouteController.Inventory;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Planning;

/// <summary>The entries that are left alone, each told once when it appears and once when it goes.</summary>
internal sealed class ForeignEntries(VpcId vpc, OwnershipMark mark, ILogger log)
{
    private readonly HashSet<string> reportedClusters = [];
    private readonly Dictionary<Finding, ForeignEntry> known = [];

    private sealed record Finding(string Table, string Entry, ConflictKind Kind);

    public IReadOnlyList<ForeignEntry> All => [.. known.Values];

    public void Observe(string tableId, IEnumerable<RouteAction> steps)
    {
        var now = new Dictionary<Finding, RouteAction.Conflict>();
        foreach (var step in steps.OfType<RouteAction.Conflict>()) now.TryAdd(new Finding(tableId, step.Entry.RouteEntryId, step.Kind), step);
        foreach (var key in known.Keys.Where(key => key.Table == tableId && !now.ContainsKey(key)).ToList())
        {
            RouteControllerLog.ForeignGone(log, tableId, known[key].Destination, key.Entry);
            known.Remove(key);
        }

        foreach (var (key, step) in now)
        {
            var entry = new ForeignEntry(
                tableId, step.Entry.RouteEntryId, step.Entry.DestinationText, step.Kind,
                step.Wanted?.Destination.ToString(), step.Entry.Name, ClusterOf(step.Entry));
            if (known.TryAdd(key, entry)) Tell(step);
        }

        foreach (var cluster in known.Values.Where(entry => entry.RouteTableId == tableId && entry.Cluster is not null)
            .GroupBy(entry => entry.Cluster!))
        {
            if (reportedClusters.Add(cluster.Key)) RouteControllerLog.OtherClusterSeen(log, vpc, cluster.Count(), cluster.Key);
        }
    }

    private string? ClusterOf(RouteEntry entry) => mark.OwnerOf(entry) == MarkOwner.OtherCluster ? OwnershipMark.TokenOf(entry) : null;

    /// <summary>Tables that are followed no longer.</summary>
    public void Keep(IEnumerable<string> tableIds)
    {
        var ids = tableIds.ToHashSet();
        foreach (var key in known.Keys.Where(key => !ids.Contains(key.Table)).ToList()) known.Remove(key);
    }

    private void Tell(RouteAction.Conflict step)
    {
        var hops = string.Join(' ', step.Entry.NextHops.Select(hop => hop.Id));
        if (step.Kind is ConflictKind.Occupied or ConflictKind.Narrower)
        {
            RouteControllerLog.Conflict(log, step.Kind, step.RouteTableId, step.Entry.DestinationText, hops, step.Entry.RouteEntryId,
                step.Wanted?.Destination.ToString() ?? "-");
        }
        else
        {
            RouteControllerLog.ForeignLeft(log, step.Kind, step.RouteTableId, step.Entry.DestinationText, hops, step.Entry.RouteEntryId);
        }
    }
}
