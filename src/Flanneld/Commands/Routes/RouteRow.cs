using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.RouteController.Inventory;
using Flannel.RouteController.Planning;

namespace Flanneld.Commands.Routes;

/// <summary>A row of <c>flanneld routes</c>: an entry, or an entry that is missing. The texts are those of the output.</summary>
/// <param name="Table">Empty if it is not known.</param>
/// <param name="Vpc">Null if it is not known.</param>
/// <param name="Lease">The lease of the destination; null without one.</param>
/// <param name="NextHops">Of a missing entry: what it must lead to.</param>
internal sealed record RouteRow(
    string Table, VpcId? Vpc, IpNetwork Destination, Lease? Lease, IReadOnlyList<NextHop> NextHops, string State)
{
    private const string Missing = "Missing";
    private const string WrongNextHop = "WrongNextHop";
    private const string OtherCluster = "other-cluster";

    /// <summary>Of the entry; empty for a missing one, as for the name.</summary>
    public string EntryId { get; init; } = "";

    public string Name { get; init; } = "";

    public string Kind { get; init; } = "missing";

    public string Owner { get; init; } = "";

    /// <summary>The mark of the entry; null without one.</summary>
    public string? Mark { get; init; }

    /// <summary>Whether the table serves a node or is configured.</summary>
    public bool ServesNodes { get; init; } = true;

    /// <summary>One line; may be empty.</summary>
    public string Message { get; init; } = "";

    public string NextHopText => string.Join(',', NextHops.Select(hop => $"{hop.Type}/{hop.Id}"));

    /// <summary>The owner for people: that of another cluster is its mark.</summary>
    public string OwnerText => Owner == OtherCluster ? Mark! : Owner;

    public static RouteRow Of(ListedRoute route, string message) => new(
        route.Entry.RouteTableId, route.Vpc, route.Entry.Destination!.Value, route.Lease, route.Entry.NextHops,
        route.HasWrongNextHop ? WrongNextHop : route.Entry.Status.ToString())
    {
        EntryId = route.Entry.RouteEntryId,
        Name = route.Entry.Name,
        Kind = KindOf(route.Kind),
        Owner = OwnerOf(route),
        Mark = route.Mark,
        ServesNodes = route.ServesNodes,
        Message = message,
    };

    public static RouteRow Of(RouteGap gap, string message) =>
        new(gap.TableId, gap.Vpc, gap.Destination, gap.Lease, gap.NextHop is { } hop ? [hop] : [], Missing) { Message = message };

    private static string KindOf(ListedKind kind) => kind == ListedKind.OtherCluster ? OtherCluster : kind.ToString().ToLowerInvariant();

    private static string OwnerOf(ListedRoute route)
    {
        if (!route.Entry.IsCustom) return "system";
        return route.Owner switch
        {
            RouteOwner.ThisCluster => "this-cluster",
            RouteOwner.OtherCluster => OtherCluster,
            _ => "unmanaged",
        };
    }
}
