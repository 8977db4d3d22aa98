using Flannel.RouteController.Inventory;
using Flanneld.Options;

namespace Flanneld.Commands.Routes;

/// <summary>Routes that an operator may delete together.</summary>
/// <param name="Name">Such as <c>stale</c>, for messages.</param>
internal sealed record RouteSelection(string Name, IReadOnlyList<ListedRoute> Routes)
{
    /// <summary>What is printed if it selects nothing.</summary>
    public required string EmptyText { get; init; }

    /// <summary>Those that the flags name, in the order unmanaged, stale, of another cluster.</summary>
    public static IReadOnlyList<RouteSelection> Of(DaemonOptions options, RouteListingResult listing)
    {
        var scope = listing.IsComplete ? "" : " in what could be read";
        List<RouteSelection> selections = [];
        if (options.RemoveUnmanaged) selections.Add(new("unmanaged", listing.Unmanaged) { EmptyText = $"no unmanaged route{scope}" });
        if (options.DeleteStale) selections.Add(new("stale", listing.Stale) { EmptyText = $"no stale route{scope}" });
        if (options.RemoveRoutesOf is { } mark)
        {
            selections.Add(new($"of {mark}", [.. listing.OfOtherClusters.Where(route => route.Mark == mark)])
            {
                EmptyText = $"no route of {mark}{scope}",
            });
        }

        return selections;
    }

    /// <summary>For each selection that would delete something, what it is and the command, one line each.</summary>
    public static IEnumerable<string> Offers(RouteListingResult listing)
    {
        if (listing.Unmanaged.Count > 0)
        {
            yield return $"{listing.Unmanaged.Count} unmanaged: no lease matches them, and they carry no mark;"
                + " 'flanneld routes clean --unmanaged' deletes them";
        }

        if (listing.Stale.Count > 0)
        {
            yield return $"{listing.Stale.Count} stale: of this cluster, and no lease matches them;"
                + " 'flanneld routes clean --stale' deletes them now";
        }

        foreach (var cluster in listing.OfOtherClusters.GroupBy(route => route.Mark!))
        {
            yield return $"{cluster.Count()} of another cluster;"
                + $" if it no longer exists, 'flanneld routes clean --of {cluster.Key}' deletes them";
        }
    }
}
