using Flannel.AliCloud.Vpc;

namespace Flannel.RouteController.Planning;

/// <summary>Everything that one pass over a VPC plans from. Immutable.</summary>
internal sealed record VpcObservation(DesiredVpcState Desired, IReadOnlyList<ObservedTable> Tables);

/// <summary>A route table as it was last read.</summary>
/// <param name="ServesNodes">It serves a vSwitch of a node or is configured: it must have every desired route.</param>
/// <param name="HasError">The last read failed: <paramref name="Entries"/> are from an earlier one, and nothing is written.</param>
/// <param name="Reclaimed">Ids of entries that another cluster has taken over and that are to be reclaimed.</param>
internal sealed record ObservedTable(
    string Id, bool ServesNodes, bool HasError, IReadOnlyList<RouteEntry> Entries, IReadOnlySet<string> Reclaimed)
{
    /// <summary>The table may have changed since the last read: it must be read again.</summary>
    public bool IsStale { get; init; }

    /// <summary>What counts against the table's quota.</summary>
    public int CustomEntries => Entries.Count(entry => entry.IsCustom);
}
