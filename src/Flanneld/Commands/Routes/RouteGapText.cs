using Flannel.Core;
using Flannel.Core.Routes;
using Flannel.RouteController.Inventory;
using Flanneld.Commands.Leases;
using Flanneld.Commands.Output;

namespace Flanneld.Commands.Routes;

/// <summary>What leases lack in the route tables, for people. Pure.</summary>
internal static class RouteGapText
{
    private const int MaxNamed = 5;

    /// <summary>One line that names the first of the leases.</summary>
    public static string Summarize(IReadOnlyList<RouteGap> gaps, IReadOnlyList<LeaseDescription> leases)
    {
        var lacking = gaps.GroupBy(gap => gap.Destination.ToString(), StringComparer.Ordinal).ToList();
        var named = string.Join("; ", lacking.Take(MaxNamed).Select(group => Describe([.. group], leases)));
        var more = lacking.Count > MaxNamed ? $"; and {lacking.Count - MaxNamed} more" : "";
        return $"{Plural.Of(lacking.Count, "subnet has", "subnets have")} no available route: {named}{more}";
    }

    /// <summary>What an entry lacks; empty if nothing.</summary>
    public static string MessageOf(ListedRoute route, IReadOnlyList<RouteGap> gaps) => gaps.FirstOrDefault(gap =>
        !gap.HasNoEntry && gap.TableId == route.Entry.RouteTableId && gap.Destination == route.Entry.Destination)?.Detail ?? "";

    /// <summary>Why there is no entry: what the listing knows, else the route status of the lease.</summary>
    public static string MessageOf(RouteGap gap, IReadOnlyList<LeaseDescription> leases) =>
        gap.Detail.Length > 0 ? gap.Detail : StatusOf(gap, leases);

    private static string Describe(IReadOnlyList<RouteGap> gaps, IReadOnlyList<LeaseDescription> leases)
    {
        var first = gaps[0];
        var states = gaps.GroupBy(gap => gap.Detail.Length > 0 ? gap.Detail : "no entry", StringComparer.Ordinal).Select(group =>
        {
            var tables = string.Join(", ", group.Select(gap => gap.TableId).Where(id => id.Length > 0));
            return tables.Length > 0 ? $"{group.Key} in {tables}" : group.Key;
        });
        var status = StatusOf(first, leases);
        return $"{first.Destination} of {first.Lease.Attributes.PublicIp}: {string.Join(", ", states)}"
            + (status.Length > 0 ? $" ({status})" : "");
    }

    /// <summary>The route status, if it says why; else empty.</summary>
    private static string StatusOf(RouteGap gap, IReadOnlyList<LeaseDescription> leases)
    {
        if (leases.FirstOrDefault(lease => lease.Lease.Key == gap.Lease.Key) is not { Route: { } route } described) return "";
        if (gap.Destination.IsV6)
            return route.Ipv6 is { State: not RouteState.Available } ipv6 ? RouteStatusText.Of(ipv6) : "";
        if (route.State == RouteState.Available) return "";
        return RouteStatusText.Of(route) + (described.IsInFallback ? "; reached through the VXLAN tunnel" : "");
    }
}
