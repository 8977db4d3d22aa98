using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;

namespace Flannel.RouteController.Planning;

/// <summary>Compares the desired with the observed routes of one table. A pure function; <c>docs/adr/0004-route-ownership.md</c> explains
/// its decisions.</summary>
public static class RoutePlan
{
    /// <summary>One action for each desired destination and for each other entry inside the network that is not excluded, sorted by
    /// destination. Other entries outside the network, the default route, and destinations that are no IPv4 prefix get no action.</summary>
    public static IReadOnlyList<RouteAction> For(RoutePlanInput input) =>
        For(input, new RouteIndex(input.Desired, input.Released, input.Excluded, input.Ended));

    /// <param name="index">The routes of <paramref name="input"/>, which the plans of several tables share.</param>
    internal static IReadOnlyList<RouteAction> For(RoutePlanInput input, RouteIndex index)
    {
        var actions = new List<RouteAction>(Math.Max(input.Entries.Count, index.Desired.Count));
        var present = new HashSet<IpNetwork>(index.Desired.Count);
        foreach (var entry in input.Entries)
        {
            if (entry.Destination is not { Length: > 0 } destination) continue;
            var desired = index.DesiredAt(destination);
            if (desired is not null) present.Add(destination);
            if (ForEntry(entry, destination, desired, index, input) is { } action) actions.Add(action);
        }

        if (!input.ServesNoNode && present.Count < index.Desired.Count)
        {
            actions.AddRange(index.Desired.Where(route => !present.Contains(route.Destination))
                .Select(route => new RouteAction.Create(input.RouteTableId, route)));
        }

        actions.Sort((a, b) => a.Destination.CompareTo(b.Destination));
        return actions;
    }

    private static RouteAction? ForEntry(
        RouteEntry entry, IpNetwork destination, DesiredRoute? desired, RouteIndex index, RoutePlanInput input)
    {
        if (desired is not null) return ForDesired(entry, desired, index, input);
        if (index.ReleasedAt(destination) is { } former && IsDeletable(former, entry, index, input)) return ForReleased(entry, former);
        return IsResponsibleFor(entry, destination, index, input) ? ForUndesired(entry, destination, index, input) : null;
    }

    /// <summary>Whether an entry without a lease concerns this cluster at all.</summary>
    private static bool IsResponsibleFor(RouteEntry entry, IpNetwork destination, RouteIndex index, RoutePlanInput input) =>
        input.Network is { } network && network.Contains(destination)
        || index.HasEnded(destination) && input.Mark.OwnerOf(entry) == RouteOwner.ThisCluster;

    private static RouteAction? ForDesired(RouteEntry entry, DesiredRoute desired, RouteIndex index, RoutePlanInput input)
    {
        var owner = input.Mark.OwnerOf(entry);
        if (input.ServesNoNode && owner != RouteOwner.ThisCluster) return null;
        if (entry.Status != RouteEntryStatus.Available && entry.IsCustom)
            return new RouteAction.KeepInTransition(entry, desired.Destination, desired);
        if (desired.IsSatisfiedBy(entry))
            return MustBeMarked(entry, owner, input) ? new RouteAction.Mark(entry, desired) : new RouteAction.Keep(entry, desired);
        // Marked or not: a lease holds the destination. Not another cluster's entry: its node may be running as well.
        return NextHops.MayBeChanged(entry, owner) && owner != RouteOwner.OtherCluster && !index.OverlapsExcluded(desired.Destination)
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
    private static bool IsDeletable(DesiredRoute released, RouteEntry entry, RouteIndex index, RoutePlanInput input)
    {
        var owner = input.Mark.OwnerOf(entry);
        return released.IsSatisfiedBy(entry) && NextHops.MayBeChanged(entry, owner) && !index.OverlapsExcluded(released.Destination)
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

    private static RouteAction? ForUndesired(RouteEntry entry, IpNetwork destination, RouteIndex index, RoutePlanInput input)
    {
        if (index.OverlapsExcluded(destination)) return null;
        var owner = input.Mark.OwnerOf(entry);
        if (owner == RouteOwner.ThisCluster && NextHops.MayBeChanged(entry, owner))
        {
            return entry.Status == RouteEntryStatus.Available
                ? new RouteAction.Delete(entry, destination)
                : new RouteAction.KeepInTransition(entry, destination, null);
        }

        if (input.ServesNoNode) return null;
        var overlapped = index.FirstOverlapped(destination);
        return new RouteAction.Conflict(entry, destination, KindOf(destination, overlapped, owner), overlapped);
    }

    private static ConflictKind KindOf(IpNetwork destination, DesiredRoute? overlapped, RouteOwner owner)
    {
        if (overlapped is not null) return overlapped.Destination.Contains(destination) ? ConflictKind.Narrower : ConflictKind.Wider;
        return owner == RouteOwner.OtherCluster ? ConflictKind.OtherCluster : ConflictKind.Unmanaged;
    }
}
