using Flannel.AliCloud.Vpc;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Inventory;

/// <summary>What a listed entry is.</summary>
public enum ListedKind
{
    /// <summary>Never changed by this program: a system entry, another service's, one with several next hops, or one whose next hop is not
    /// a node.</summary>
    Hosted,

    /// <summary>A route of another cluster.</summary>
    OtherCluster,

    /// <summary>Its destination is a lease's.</summary>
    Leased,

    /// <summary>A route of this cluster that no lease desires.</summary>
    Stale,

    /// <summary>It overlaps a lease.</summary>
    Overlapping,

    /// <summary>The cloud is changing it.</summary>
    Changing,

    /// <summary>Without a mark and without a lease: of the old backend, or of an operator. Only an operator can decide to delete
    /// it.</summary>
    Unmanaged,
}

/// <summary>An entry inside the network, or one of this cluster outside it.</summary>
/// <param name="Mark">Of the cluster that it belongs to; null without one.</param>
public sealed record ListedRoute(VpcId Vpc, RouteEntry Entry, ListedKind Kind, string? Mark)
{
    /// <summary>Whether it can be deleted now.</summary>
    internal bool IsDeletable => Entry.Status == RouteEntryStatus.Available;
}

/// <param name="Text">Every listed entry with its kind, one line each; and what could not be read.</param>
/// <param name="Routes">Empty if a lease could not be read: then an entry may belong to it.</param>
/// <param name="Complete">False if something could not be read.</param>
public sealed record RouteListingResult(string Text, IReadOnlyList<ListedRoute> Routes, bool Complete)
{
    public IReadOnlyList<ListedRoute> Unmanaged => Of(ListedKind.Unmanaged);

    public IReadOnlyList<ListedRoute> Stale => Of(ListedKind.Stale);

    public IReadOnlyList<ListedRoute> OfOtherClusters => Of(ListedKind.OtherCluster);

    private List<ListedRoute> Of(ListedKind kind) => [.. Routes.Where(route => route.Kind == kind && route.IsDeletable)];
}
