using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.RouteController.Inventory;

namespace Flannel.RouteController.Planning;

/// <summary>All that a plan for one table is made from.</summary>
/// <param name="Network">The cluster's network: what is neither inside it nor a lease's is not looked at. Null while the configuration is
/// missing or invalid: then only leases are.</param>
/// <param name="Wanted">The living leases of our nodes in the table's VPC, whatever the network is; no two alike.</param>
/// <param name="Respected">Subnets whose entries are another's business: leases of upstream's nodes, leases of other VPCs, and leases of
/// ours that cannot be routed now.</param>
/// <param name="Entries">Every entry of the table.</param>
/// <param name="UpkeepOnly">The table serves no node now: marked entries are kept in order or collected, nothing is created.</param>
public sealed record RoutePlanInput(
    string RouteTableId, Ipv4Network? Network, IReadOnlyCollection<DesiredRoute> Wanted, IReadOnlyCollection<Ipv4Network> Respected,
    IReadOnlyList<RouteEntry> Entries, OwnershipMark Mark, bool UpkeepOnly = false)
{
    /// <summary>The routes of nodes that gave their subnet back.</summary>
    public IReadOnlyCollection<DesiredRoute> Leaving { get; init; } = [];

    /// <summary>Ids of entries that another cluster has adopted from this one and that are to be taken back.</summary>
    public IReadOnlySet<string> TakenBack { get; init; } = new HashSet<string>();

    /// <summary>Subnets whose lease was seen to end: their marked entries are collected, inside the network or not.</summary>
    public IReadOnlyCollection<Ipv4Network> Ended { get; init; } = [];
}

/// <summary>What a route table should become. A pure function; <c>docs/adr/0004-route-ownership.md</c> says why it decides as it does.</summary>
public static class RoutePlan
{
    /// <summary>One step for each wanted destination and each entry inside the network that is not another's business; sorted by destination.
    /// Other entries outside the network, the default route, and destinations that are no IPv4 prefix give no step at all.</summary>
    public static IReadOnlyList<RouteAction> For(RoutePlanInput input)
    {
        var wanted = ByDestination(input.Wanted);
        var leaving = ByDestination(input.Leaving.Where(route => !wanted.ContainsKey(route.Destination)));
        var steps = new List<RouteAction>();
        var settled = new HashSet<Ipv4Network>();
        foreach (var entry in input.Entries)
        {
            if (entry.Destination is not { Length: > 0 } destination) continue;
            var route = wanted.GetValueOrDefault(destination);
            if (route is not null) settled.Add(destination);
            var step = route is not null ? ForWanted(entry, route, input)
                : leaving.TryGetValue(destination, out var left) && IsOf(left, entry, input) ? ForLeaving(entry, left)
                : IsLookedAt(entry, destination, input) ? ForUnwanted(entry, destination, wanted.Values, input)
                : null;
            if (step is not null) steps.Add(step);
        }

        if (!input.UpkeepOnly)
        {
            steps.AddRange(wanted.Values.Where(route => !settled.Contains(route.Destination))
                .Select(route => new RouteAction.Create(input.RouteTableId, route)));
        }

        steps.Sort((a, b) => a.Destination.CompareTo(b.Destination));
        return steps;
    }

    /// <summary>Never the default route, which belongs to others whatever a lease says.</summary>
    private static Dictionary<Ipv4Network, DesiredRoute> ByDestination(IEnumerable<DesiredRoute> routes)
    {
        var found = new Dictionary<Ipv4Network, DesiredRoute>();
        foreach (var route in routes)
        {
            if (route.Destination.Length > 0) found.TryAdd(route.Destination, route);
        }

        return found;
    }

    private static bool IsLookedAt(RouteEntry entry, Ipv4Network destination, RoutePlanInput input) =>
        input.Network is { } network && network.Contains(destination)
        || input.Ended.Contains(destination) && input.Mark.OwnerOf(entry) == MarkOwner.Ours;

    private static RouteAction? ForWanted(RouteEntry entry, DesiredRoute wanted, RoutePlanInput input)
    {
        var owner = input.Mark.OwnerOf(entry);
        if (input.UpkeepOnly && owner != MarkOwner.Ours) return null;
        if (entry.Status != RouteEntryStatus.Available && entry.IsCustom) return new RouteAction.Wait(entry, wanted.Destination, wanted);
        if (wanted.IsServedBy(entry))
            return IsToBeMarked(entry, owner, input) ? new RouteAction.Mark(entry, wanted) : new RouteAction.Keep(entry, wanted);
        // Marked or not, because the destination is a living lease's. Not another cluster's: its node may be alive as well.
        return NextHops.MayBeChanged(entry, owner) && owner != MarkOwner.OtherCluster && !OverlapsRespected(wanted.Destination, input)
            ? new RouteAction.Update(entry, wanted)
            : new RouteAction.Conflict(entry, wanted.Destination, ConflictKind.Occupied, wanted);
    }

    /// <summary>Of an entry that leads to the right node. Another cluster's is adopted: the instance can be in one cluster only, and its
    /// lease is in this one. What that cluster has adopted from this one is not taken back at once: the two would rewrite it
    /// alternately.</summary>
    private static bool IsToBeMarked(RouteEntry entry, MarkOwner owner, RoutePlanInput input) => entry.IsCustom && owner switch
    {
        MarkOwner.Ours => !input.Mark.IsCompleteOn(entry),
        MarkOwner.OtherCluster => !input.Mark.WasTakenOver(entry) || input.TakenBack.Contains(entry.RouteEntryId),
        _ => false,
    };

    /// <summary>The route of the very node that releases its subnet, marked or not. A marked one that leads elsewhere may be a living
    /// node's: a restore of etcd brings old releases back.</summary>
    private static bool IsOf(DesiredRoute left, RouteEntry entry, RoutePlanInput input)
    {
        var owner = input.Mark.OwnerOf(entry);
        return left.IsServedBy(entry) && NextHops.MayBeChanged(entry, owner) && !OverlapsRespected(left.Destination, input) && owner switch
        {
            MarkOwner.Ours => true,
            MarkOwner.None => !input.UpkeepOnly,
            _ => false,
        };
    }

    private static RouteAction ForLeaving(RouteEntry entry, DesiredRoute left) => entry.Status == RouteEntryStatus.Available
        ? new RouteAction.Delete(entry, left.Destination, left)
        : new RouteAction.Wait(entry, left.Destination, null);

    private static RouteAction? ForUnwanted(
        RouteEntry entry, Ipv4Network destination, IEnumerable<DesiredRoute> wanted, RoutePlanInput input)
    {
        if (OverlapsRespected(destination, input)) return null;
        var owner = input.Mark.OwnerOf(entry);
        if (owner == MarkOwner.Ours && NextHops.MayBeChanged(entry, owner))
        {
            return entry.Status == RouteEntryStatus.Available
                ? new RouteAction.Delete(entry, destination)
                : new RouteAction.Wait(entry, destination, null);
        }

        if (input.UpkeepOnly) return null;
        var near = wanted.Where(route => route.Destination.Overlaps(destination)).MinBy(route => route.Destination);
        return new RouteAction.Conflict(entry, destination, KindOf(destination, near, owner), near);
    }

    private static ConflictKind KindOf(Ipv4Network destination, DesiredRoute? near, MarkOwner owner)
    {
        if (near is not null) return near.Destination.Contains(destination) ? ConflictKind.Narrower : ConflictKind.Wider;
        return owner == MarkOwner.OtherCluster ? ConflictKind.OtherCluster : ConflictKind.Foreign;
    }

    private static bool OverlapsRespected(Ipv4Network destination, RoutePlanInput input) =>
        input.Respected.Any(subnet => subnet.Overlaps(destination));
}
