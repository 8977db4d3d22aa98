using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;

namespace Flannel.RouteController.Planning;

/// <summary>Compares the desired with the observed routes of one table. A pure function; <c>docs/adr/0004-route-ownership.md</c> explains
/// its decisions.</summary>
public static class RoutePlan
{
    /// <summary>One action for each desired destination and for each other entry inside the network that is not excluded, sorted by
    /// destination. Other entries outside the network, the default route, and destinations that are no IPv4 prefix get no action.</summary>
    public static IReadOnlyList<RouteAction> For(RoutePlanInput input)
    {
        var desired = ByDestination(input.Desired);
        var released = ByDestination(input.Released.Where(route => !desired.ContainsKey(route.Destination)));
        var actions = new List<RouteAction>();
        var present = new HashSet<IpNetwork>();
        foreach (var entry in input.Entries)
        {
            if (entry.Destination is not { Length: > 0 } destination) continue;
            if (desired.ContainsKey(destination)) present.Add(destination);
            if (ForEntry(entry, destination, desired, released, input) is { } action) actions.Add(action);
        }

        if (!input.ServesNoNode)
        {
            actions.AddRange(desired.Values.Where(route => !present.Contains(route.Destination))
                .Select(route => new RouteAction.Create(input.RouteTableId, route)));
        }

        actions.Sort((a, b) => a.Destination.CompareTo(b.Destination));
        return actions;
    }

    private static RouteAction? ForEntry(
        RouteEntry entry, IpNetwork destination, Dictionary<IpNetwork, DesiredRoute> desired,
        Dictionary<IpNetwork, DesiredRoute> released, RoutePlanInput input)
    {
        if (desired.TryGetValue(destination, out var route)) return ForDesired(entry, route, input);
        if (released.TryGetValue(destination, out var former) && IsDeletable(former, entry, input)) return ForReleased(entry, former);
        return IsResponsibleFor(entry, destination, input) ? ForUndesired(entry, destination, desired.Values, input) : null;
    }

    /// <summary>Without the default route, which never belongs to this program.</summary>
    private static Dictionary<IpNetwork, DesiredRoute> ByDestination(IEnumerable<DesiredRoute> routes)
    {
        var found = new Dictionary<IpNetwork, DesiredRoute>();
        foreach (var route in routes)
        {
            if (route.Destination.Length > 0) found.TryAdd(route.Destination, route);
        }

        return found;
    }

    /// <summary>Whether an entry without a lease concerns this cluster at all.</summary>
    private static bool IsResponsibleFor(RouteEntry entry, IpNetwork destination, RoutePlanInput input) =>
        input.Network is { } network && network.Contains(destination)
        || input.Ended.Contains(destination) && input.Mark.OwnerOf(entry) == RouteOwner.ThisCluster;

    private static RouteAction? ForDesired(RouteEntry entry, DesiredRoute desired, RoutePlanInput input)
    {
        var owner = input.Mark.OwnerOf(entry);
        if (input.ServesNoNode && owner != RouteOwner.ThisCluster) return null;
        if (entry.Status != RouteEntryStatus.Available && entry.IsCustom)
            return new RouteAction.KeepInTransition(entry, desired.Destination, desired);
        if (desired.IsSatisfiedBy(entry))
            return MustBeMarked(entry, owner, input) ? new RouteAction.Mark(entry, desired) : new RouteAction.Keep(entry, desired);
        // Marked or not: a lease holds the destination. Not another cluster's entry: its node may be running as well.
        return NextHops.MayBeChanged(entry, owner) && owner != RouteOwner.OtherCluster && !OverlapsExcluded(desired.Destination, input)
            ? new RouteAction.Update(entry, desired)
            : new RouteAction.Conflict(entry, desired.Destination, ConflictKind.Occupied, desired);
    }

    /// <summary>For an entry that leads to the right node. Another cluster's entry is taken over: an instance is in one cluster only, and
    /// its lease is in this one. An entry that the other cluster has taken over from this one is not reclaimed at once: the two controllers
    /// would rewrite it in turn. An entry without name and description is one of flannel v0.19.2; one with a text of its own is not
    /// renamed.</summary>
    private static bool MustBeMarked(RouteEntry entry, RouteOwner owner, RoutePlanInput input) => entry.IsCustom && owner switch
    {
        RouteOwner.ThisCluster => !input.Mark.IsCompleteOn(entry),
        RouteOwner.OtherCluster => !input.Mark.WasTakenOver(entry) || input.Reclaimed.Contains(entry.RouteEntryId),
        _ => entry is { Name: "", Description: "" },
    };

    /// <summary>Whether the entry is the route of the node that released its subnet, marked or not. A marked entry that leads elsewhere may
    /// be a running node's: a restore of etcd brings old releases back.</summary>
    private static bool IsDeletable(DesiredRoute released, RouteEntry entry, RoutePlanInput input)
    {
        var owner = input.Mark.OwnerOf(entry);
        return released.IsSatisfiedBy(entry) && NextHops.MayBeChanged(entry, owner) && !OverlapsExcluded(released.Destination, input)
            && owner switch
            {
                RouteOwner.ThisCluster => true,
                RouteOwner.Unmarked => !input.ServesNoNode,
                _ => false,
            };
    }

    private static RouteAction ForReleased(RouteEntry entry, DesiredRoute released) => entry.Status == RouteEntryStatus.Available
        ? new RouteAction.Delete(entry, released.Destination, released)
        : new RouteAction.KeepInTransition(entry, released.Destination, null);

    private static RouteAction? ForUndesired(
        RouteEntry entry, IpNetwork destination, IEnumerable<DesiredRoute> desired, RoutePlanInput input)
    {
        if (OverlapsExcluded(destination, input)) return null;
        var owner = input.Mark.OwnerOf(entry);
        if (owner == RouteOwner.ThisCluster && NextHops.MayBeChanged(entry, owner))
        {
            return entry.Status == RouteEntryStatus.Available
                ? new RouteAction.Delete(entry, destination)
                : new RouteAction.KeepInTransition(entry, destination, null);
        }

        if (input.ServesNoNode) return null;
        var overlapped = desired.Where(route => route.Destination.Overlaps(destination)).MinBy(route => route.Destination);
        return new RouteAction.Conflict(entry, destination, KindOf(destination, overlapped, owner), overlapped);
    }

    private static ConflictKind KindOf(IpNetwork destination, DesiredRoute? overlapped, RouteOwner owner)
    {
        if (overlapped is not null) return overlapped.Destination.Contains(destination) ? ConflictKind.Narrower : ConflictKind.Wider;
        return owner == RouteOwner.OtherCluster ? ConflictKind.OtherCluster : ConflictKind.Unmanaged;
    }

    private static bool OverlapsExcluded(IpNetwork destination, RoutePlanInput input) =>
        input.Excluded.Any(subnet => subnet.Overlaps(destination));
}
