using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Inventory;

/// <summary>The entries of all VPCs of a cluster, compared with its leases.</summary>
/// <param name="Vpcs">Those that were read.</param>
/// <param name="Routes">In the order of their VPCs, tables and entries.</param>
/// <param name="Gaps">The leases without a usable entry, one for each table that lacks it.</param>
/// <param name="Problems">What could not be read, one line each.</param>
public sealed record RouteListingResult(
    IReadOnlyList<VpcId> Vpcs, IReadOnlyList<ListedRoute> Routes, IReadOnlyList<RouteGap> Gaps, IReadOnlyList<string> Problems)
{
    /// <summary>The number of leases that need a route.</summary>
    public int Required { get; init; }

    /// <summary>The number of writes that the route controller would plan.</summary>
    public int Changes { get; init; }

    /// <summary>False if a table could not be read that the plan depends on.</summary>
    public bool IsPlanComplete { get; init; } = true;

    /// <summary>False if a lease could not be read: an entry may belong to it.</summary>
    public bool MayDelete { get; init; } = true;

    /// <summary>When the API allows the next call, if it refused one; else null.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Whether everything could be read.</summary>
    public bool IsComplete => Problems.Count == 0;

    /// <summary>Those that can be deleted, as for the other kinds.</summary>
    public IReadOnlyList<ListedRoute> Unmanaged => Of(ListedKind.Unmanaged);

    public IReadOnlyList<ListedRoute> Stale => Of(ListedKind.Stale);

    public IReadOnlyList<ListedRoute> OfOtherClusters => Of(ListedKind.OtherCluster);

    private List<ListedRoute> Of(ListedKind kind) =>
        MayDelete ? [.. Routes.Where(route => route.Kind == kind && route.IsDeletable)] : [];
}
