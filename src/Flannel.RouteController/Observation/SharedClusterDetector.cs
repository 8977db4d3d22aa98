using Flannel.AliCloud.Vpc;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Observation;

/// <summary>Notices another route controller that uses this cluster's id, as after etcd's data was copied with an instance: a marked entry
/// appears although this term did not want it.</summary>
internal sealed class SharedClusterDetector(VpcId vpc, OwnershipMark mark, TimeProvider time, ILogger log)
{
    /// <summary>What a former term sent last may appear after this term's first reading.</summary>
    private static readonly TimeSpan LateWrites = TimeSpan.FromMinutes(2);

    private readonly Dictionary<string, Table> tables = [];
    private readonly HashSet<RouteKey> wanted = [];

    /// <summary>Whether there is another one. What is stale here may then be its routes.</summary>
    public bool IsShared { get; private set; }

    private sealed record Table(long FirstReadAt, HashSet<string> EntryIds);

    /// <summary>The next entry at this place is not of this term, unless a lease wants it again.</summary>
    public void Deleted(RouteKey key) => wanted.Remove(key);

    /// <param name="steps">The whole plan for these entries.</param>
    public void Observe(string tableId, IReadOnlyList<RouteEntry> entries, IReadOnlyList<RouteAction> steps)
    {
        foreach (var step in steps)
        {
            if (step is RouteAction.Create or RouteAction.Keep or RouteAction.Mark or RouteAction.Update or RouteAction.Wait { Wanted: not null })
                wanted.Add(RouteKey.Of(step));
        }

        var isFirst = !tables.TryGetValue(tableId, out var known);
        if (isFirst) tables.Add(tableId, known = new Table(time.GetTimestamp(), []));
        foreach (var entry in entries)
        {
            if (!known!.EntryIds.Add(entry.RouteEntryId) || isFirst || time.GetElapsedTime(known.FirstReadAt) < LateWrites) continue;
            if (entry.Destination is not { } destination || mark.OwnerOf(entry) != MarkOwner.Ours) continue;
            if (wanted.Contains(new RouteKey(tableId, destination)) || IsShared) continue;
            IsShared = true;
            RouteControllerLog.ClusterIdShared(log, vpc, tableId, entry.DestinationText, entry.RouteEntryId, mark.Token);
        }
    }
}
