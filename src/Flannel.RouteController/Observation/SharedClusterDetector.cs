using Flannel.AliCloud.Vpc;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Observation;

/// <summary>Detects another route controller with this cluster's id, as after etcd's data was copied with an instance: a marked entry
/// appears that this term did not desire.</summary>
internal sealed class SharedClusterDetector(VpcContext context, OwnershipMark mark)
{
    /// <summary>The last writes of an earlier term may appear after this term's first read.</summary>
    private static readonly TimeSpan LateWrites = TimeSpan.FromMinutes(2);

    private readonly Dictionary<string, KnownTable> tables = [];
    private readonly HashSet<RouteKey> desired = [];

    /// <summary>Whether there is another controller. Then a stale route may be one of its routes.</summary>
    public bool IsShared { get; private set; }

    private sealed record KnownTable(long FirstReadAt, HashSet<string> EntryIds);

    /// <summary>This term has deleted the route: the next entry with this key is not its own, unless a lease desires it again.</summary>
    public void RouteDeleted(RouteKey key) => desired.Remove(key);

    /// <param name="actions">The whole plan for these entries.</param>
    public void Observe(string tableId, IReadOnlyList<RouteEntry> entries, IReadOnlyList<RouteAction> actions)
    {
        foreach (var action in actions)
        {
            if (action is RouteAction.Create or RouteAction.Keep or RouteAction.Mark or RouteAction.Update
                or RouteAction.KeepInTransition { Desired: not null }) desired.Add(RouteKey.Of(action));
        }

        var isFirst = !tables.TryGetValue(tableId, out var known);
        if (isFirst) tables.Add(tableId, known = new KnownTable(context.Time.GetTimestamp(), []));
        foreach (var entry in entries)
        {
            var isNew = known!.EntryIds.Add(entry.RouteEntryId);
            if (!isNew || isFirst || context.Time.GetElapsedTime(known.FirstReadAt) < LateWrites) continue;
            if (entry.Destination is not { } destination || mark.OwnerOf(entry) != RouteOwner.ThisCluster) continue;
            if (IsShared || desired.Contains(new RouteKey(tableId, destination))) continue;
            IsShared = true;
            RouteControllerLog.ClusterIdShared(context.Log, context.Vpc, tableId, entry.DestinationText, entry.RouteEntryId, mark.Token);
        }
    }
}
