using Flannel.AliCloud.Vpc;
using Flannel.Core.Leases;
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
/// <param name="Owner">By its mark.</param>
/// <param name="Mark">Of the cluster that it belongs to; null without one.</param>
public sealed record ListedRoute(VpcId Vpc, RouteEntry Entry, ListedKind Kind, RouteOwner Owner, string? Mark)
{
    /// <summary>The lease of its destination; null if there is none.</summary>
    public Lease? Lease { get; init; }

    /// <summary>Whether its table serves a node or is configured.</summary>
    public bool ServesNodes { get; init; }

    /// <summary>Whether it leads elsewhere than to the node that leases its destination.</summary>
    public bool HasWrongNextHop { get; init; }

    /// <summary>Whether it can be deleted now.</summary>
    internal bool IsDeletable => Entry.Status == RouteEntryStatus.Available;
}
