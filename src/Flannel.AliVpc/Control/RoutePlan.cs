using Flannel.AliVpc.Api;
using Flannel.Core.Addresses;

namespace Flannel.AliVpc.Control;

/// <summary>All that a plan for one table is made from.</summary>
/// <param name="Network">The cluster's network: nothing outside it is looked at.</param>
/// <param name="Wanted">The living leases of our nodes in the table's VPC; no two alike.</param>
/// <param name="Respected">Subnets whose entries are another's business: leases of upstream's nodes, and leases of ours that cannot be
/// routed now.</param>
/// <param name="Entries">Every entry of the table.</param>
/// <param name="UpkeepOnly">The table serves no node now: marked entries are kept in order or collected, nothing is created.</param>
public sealed record RoutePlanInput(
    string RouteTableId, Ipv4Network Network, IReadOnlyCollection<WantedRoute> Wanted, IReadOnlyCollection<Ipv4Network> Respected,
    IReadOnlyList<RouteEntry> Entries, OwnershipMark Mark, bool UpkeepOnly = false)
{
    /// <summary>The routes of nodes that gave their subnet back.</summary>
    public IReadOnlyCollection<WantedRoute> Leaving { get; init; } = [];
}

/// <summary>What a route table should become. A pure function; <c>docs/adr/0004-route-ownership.md</c> says why it decides as it does.</summary>
public static class RoutePlan
{
    /// <summary>One step for each wanted destination and each entry inside the network that is not another's business; sorted by destination.
    /// Entries outside the network, the default route, and destinations that are no IPv4 prefix give no step at all.</summary>
    public static IReadOnlyList<RouteStep> For(RoutePlanInput input)
    {
        var wanted = new Dictionary<Ipv4Network, WantedRoute>();
        foreach (var route in input.Wanted)
        {
            if (IsInside(input.Network, route.Destination)) wanted.TryAdd(route.Destination, route);
        }

        var leaving = new Dictionary<Ipv4Network, WantedRoute>();
        foreach (var route in input.Leaving)
        {
            if (IsInside(input.Network, route.Destination) && !wanted.ContainsKey(route.Destination)) leaving.TryAdd(route.Destination, route);
        }

        var steps = new List<RouteStep>();
        var settled = new HashSet<Ipv4Network>();
        foreach (var entry in input.Entries)
        {
            if (entry.Destination is not { } destination || !IsInside(input.Network, destination)) continue;
            var step = wanted.TryGetValue(destination, out var route)
                ? ForWanted(entry, route, input)
                : leaving.TryGetValue(destination, out var left) && IsOf(left, entry, input) ? ForLeaving(entry, left)
                : ForUnwanted(entry, destination, wanted.Values, input);
            if (route is not null) settled.Add(destination);
            if (step is not null) steps.Add(step);
        }

        if (!input.UpkeepOnly)
        {
            steps.AddRange(wanted.Values.Where(route => !settled.Contains(route.Destination))
                .Select(route => new RouteStep.Create(input.RouteTableId, route)));
        }

        steps.Sort((a, b) => a.Destination.CompareTo(b.Destination));
        return steps;
    }

    /// <summary>Inside and not the default route, which belongs to others whatever the network is.</summary>
    private static bool IsInside(Ipv4Network network, Ipv4Network destination) => destination.Length > 0 && network.Contains(destination);

    private static RouteStep? ForWanted(RouteEntry entry, WantedRoute wanted, RoutePlanInput input)
    {
        var owner = input.Mark.OwnerOf(entry);
        if (input.UpkeepOnly && owner != MarkOwner.Ours) return null;
        if (entry.Status != RouteEntryStatus.Available && entry.IsCustom) return new RouteStep.Wait(entry, wanted.Destination, wanted);
        if (wanted.IsServedBy(entry)) return new RouteStep.Keep(entry, wanted);
        // Taken over, marked or not, because the destination is a living lease's; but another cluster's node may be alive as well.
        return MayBeTouched(entry) && owner != MarkOwner.OtherCluster && !OverlapsRespected(wanted.Destination, input)
            ? new RouteStep.RePoint(entry, wanted)
            : new RouteStep.Conflict(entry, wanted.Destination, ConflictKind.Occupied, wanted);
    }

    /// <summary>Ours by its mark, or by a lease that still stands: unmarked, it leads to the very node that gives it back.</summary>
    private static bool IsOf(WantedRoute left, RouteEntry entry, RoutePlanInput input) =>
        MayBeTouched(entry) && !OverlapsRespected(left.Destination, input) && input.Mark.OwnerOf(entry) switch
        {
            MarkOwner.Ours => true,
            MarkOwner.None => !input.UpkeepOnly && left.IsServedBy(entry),
            _ => false,
        };

    private static RouteStep ForLeaving(RouteEntry entry, WantedRoute left) => entry.Status == RouteEntryStatus.Available
        ? new RouteStep.Delete(entry, left.Destination, AtOnce: true)
        : new RouteStep.Wait(entry, left.Destination, null);

    private static RouteStep? ForUnwanted(
        RouteEntry entry, Ipv4Network destination, IEnumerable<WantedRoute> wanted, RoutePlanInput input)
    {
        if (OverlapsRespected(destination, input)) return null;
        if (input.Mark.OwnerOf(entry) == MarkOwner.Ours && MayBeTouched(entry))
        {
            return entry.Status == RouteEntryStatus.Available
                ? new RouteStep.Delete(entry, destination)
                : new RouteStep.Wait(entry, destination, null);
        }

        if (input.UpkeepOnly) return null;
        var near = wanted.Where(route => route.Destination.Overlaps(destination)).MinBy(route => route.Destination);
        var kind = near is null ? ConflictKind.Foreign
            : near.Destination.Contains(destination) ? ConflictKind.Narrower
            : ConflictKind.Wider;
        return new RouteStep.Conflict(entry, destination, kind, near);
    }

    private static bool MayBeTouched(RouteEntry entry) => entry.IsCustom && entry.NextHops.Count <= 1;

    private static bool OverlapsRespected(Ipv4Network destination, RoutePlanInput input) =>
        input.Respected.Any(subnet => subnet.Overlaps(destination));
}
