using Flannel.AliCloud.Vpc;

namespace Flannel.RouteController.Planning;

/// <summary>Everything that one pass over a VPC plans from. Immutable.</summary>
internal sealed record VpcObservation(DesiredVpcState Desired, IReadOnlyList<ObservedTable> Tables)
{
    /// <summary>The part of IPv4. An entry whose destination is no prefix is in neither part.</summary>
    public VpcObservation Ipv4 => this with { Tables = [.. Tables.Select(table => table.Of(isIpv6: false))] };

    /// <summary>The part of IPv6.</summary>
    public VpcObservation Ipv6 => new(
        Desired.Ipv6 ?? new DesiredVpcState(Desired.Vpc, null, [], [], [], [], Desired.IsComplete),
        [.. Tables.Select(table => table.Of(isIpv6: true))]);
}

/// <summary>A route table as it was last read.</summary>
/// <param name="ServesNodes">It serves a vSwitch of a node or is configured: it must have every desired route.</param>
/// <param name="HasError">The last read failed: <paramref name="Entries"/> are from an earlier one, and nothing is written.</param>
/// <param name="Reclaimed">Ids of entries that another cluster has taken over and that are to be reclaimed.</param>
internal sealed record ObservedTable(
    string Id, bool ServesNodes, bool HasError, IReadOnlyList<RouteEntry> Entries, IReadOnlySet<string> Reclaimed)
{
    /// <summary>The table may have changed since the last read: it must be read again.</summary>
    public bool IsStale { get; init; }

    /// <summary>What counts against the table's quota: the entries of both families.</summary>
    public int CustomEntries { get; private init; } = Entries.Count(entry => entry.IsCustom);

    /// <summary>The same table with the entries of one family. <see cref="CustomEntries"/> remains.</summary>
    public ObservedTable Of(bool isIpv6) =>
        this with { Entries = [.. Entries.Where(entry => entry.Destination?.IsV6 == isIpv6)] };
}
