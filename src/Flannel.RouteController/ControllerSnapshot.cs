using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController;

/// <summary>What the route controller knows at one moment, for health and metrics. Immutable.</summary>
/// <param name="Nodes">One status for each lease of a node, sorted by subnet.</param>
/// <param name="Conflicts">Entries that the controller does not change although they are inside the network or overlap a route.</param>
/// <param name="LastReconcile">When all tables were last read or made as desired; null before that.</param>
public sealed record ControllerSnapshot(
    IReadOnlyList<RouteStatus> Nodes, IReadOnlyList<RouteConflict> Conflicts, IReadOnlyList<TableUsage> Tables,
    DateTimeOffset? LastReconcile, WriteCounts Writes)
{
    public static readonly ControllerSnapshot Empty = new([], [], [], null, WriteCounts.None);

    /// <summary>One status for each node with an IPv6 subnet; its subnet is that one.</summary>
    public IReadOnlyList<RouteStatus> Ipv6Nodes { get; init; } = [];

    /// <summary>Stale routes whose deletion waits because many became stale at once.</summary>
    public int HeldDeletions { get; init; }

    /// <summary>The IPv4 subnets of the cluster; null without a valid network configuration.</summary>
    public SubnetUsage? Subnets { get; init; }

    /// <summary>Entries inside the network that carry no mark and match no lease.</summary>
    public int Unmanaged => CountConflicts(ConflictKind.Unmanaged);

    /// <summary>The last pass over each VPC.</summary>
    public IReadOnlyList<VpcPass> Passes { get; init; } = [];

    /// <summary>Routes of other clusters inside the network.</summary>
    public int OtherClusters =>
        Conflicts.Where(conflict => conflict.Cluster is not null).DistinctBy(conflict => conflict.RouteEntryId).Count();

    /// <summary>The number of entries with this relation to the desired routes.</summary>
    public int CountConflicts(ConflictKind kind) =>
        Conflicts.Where(conflict => conflict.Kind == kind).DistinctBy(conflict => conflict.RouteEntryId).Count();

    public IReadOnlyDictionary<RouteState, int> CountByState => Count(Nodes);

    public IReadOnlyDictionary<RouteState, int> Ipv6CountByState => Count(Ipv6Nodes);

    /// <summary>The sum of the snapshots of all VPCs.</summary>
    internal static ControllerSnapshot Of(IEnumerable<ControllerSnapshot> vpcs)
    {
        var all = vpcs.ToList();
        return new ControllerSnapshot(
            [.. all.SelectMany(vpc => vpc.Nodes).OrderBy(node => node.Subnet, StringComparer.Ordinal)],
            [.. all.SelectMany(vpc => vpc.Conflicts)],
            [.. all.SelectMany(vpc => vpc.Tables)],
            all.Count == 0 || all.Any(vpc => vpc.LastReconcile is null) ? null : all.Min(vpc => vpc.LastReconcile),
            all.Aggregate(WriteCounts.None, (sum, vpc) => sum + vpc.Writes))
        {
            Ipv6Nodes = [.. all.SelectMany(vpc => vpc.Ipv6Nodes)],
            HeldDeletions = all.Sum(vpc => vpc.HeldDeletions),
            Passes = [.. all.SelectMany(vpc => vpc.Passes)],
        };
    }

    private static Dictionary<RouteState, int> Count(IReadOnlyList<RouteStatus> nodes) =>
        nodes.CountBy(node => node.State).ToDictionary(count => count.Key, count => count.Value);
}
