using Flannel.Core.Routes;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController;

/// <summary>What the route controller knows at one moment, for health, metrics and people.</summary>
/// <param name="Nodes">One status per lease of ours, sorted by subnet.</param>
/// <param name="Foreign">Entries that were left alone although they bear on the network.</param>
/// <param name="LastReconcile">When all tables were last found, or made, as wanted; null before that.</param>
public sealed record RouteReport(
    IReadOnlyList<RouteStatus> Nodes, IReadOnlyList<ForeignEntry> Foreign, IReadOnlyList<TableUse> Tables, DateTimeOffset? LastReconcile,
    WriteCounts Writes)
{
    public static readonly RouteReport Empty = new([], [], [], null, new WriteCounts(0, 0, 0, 0, 0));

    /// <summary>Stale routes whose deletion waits because many became stale at once.</summary>
    public int HeldDeletions { get; init; }

    /// <summary>Routes of other clusters inside the network.</summary>
    public int OtherClusters => Foreign.Where(entry => entry.Cluster is not null).DistinctBy(entry => entry.RouteEntryId).Count();

    public IReadOnlyDictionary<RouteState, int> CountByState
    {
        get
        {
            var counts = new Dictionary<RouteState, int>();
            foreach (var node in Nodes) counts[node.State] = counts.GetValueOrDefault(node.State) + 1;
            return counts;
        }
    }

    internal static RouteReport Of(IEnumerable<RouteReport> parts)
    {
        var all = parts.ToList();
        return new RouteReport(
            [.. all.SelectMany(part => part.Nodes).OrderBy(node => node.Subnet, StringComparer.Ordinal)],
            [.. all.SelectMany(part => part.Foreign)],
            [.. all.SelectMany(part => part.Tables)],
            all.Count == 0 || all.Any(part => part.LastReconcile is null) ? null : all.Min(part => part.LastReconcile),
            all.Aggregate(new WriteCounts(0, 0, 0, 0, 0), (sum, part) => sum + part.Writes))
        {
            HeldDeletions = all.Sum(part => part.HeldDeletions),
        };
    }
}

/// <param name="Near">The subnet of ours that it bears on; null when there is none.</param>
/// <param name="Cluster">The mark of the other cluster that it belongs to; null when it carries none.</param>
public sealed record ForeignEntry(
    string RouteTableId, string RouteEntryId, string Destination, ConflictKind Kind, string? Near, string Name, string? Cluster = null);

/// <param name="CustomEntries">What counts against the table's quota.</param>
/// <param name="Limit">How many it may hold, as far as is known.</param>
public sealed record TableUse(string RouteTableId, string VpcId, int CustomEntries, int Limit);

/// <summary>Since the term's start: routes made, re-pointed, deleted; calls that wrote, and those of them that failed as a whole.</summary>
public sealed record WriteCounts(int Created, int RePointed, int Deleted, int Calls, int FailedCalls)
{
    public static WriteCounts operator +(WriteCounts a, WriteCounts b) => new(
        a.Created + b.Created, a.RePointed + b.RePointed, a.Deleted + b.Deleted, a.Calls + b.Calls, a.FailedCalls + b.FailedCalls);
}
