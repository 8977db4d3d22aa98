using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Inventory;

/// <summary>What a lease lacks in a route table.</summary>
public enum RouteGapKind
{
    /// <summary>The table has no entry for it.</summary>
    Missing,

    /// <summary>The entry leads elsewhere.</summary>
    WrongNextHop,

    /// <summary>The entry is not available: the cloud is changing it.</summary>
    NotAvailable,

    /// <summary>It is not known which table must have the entry.</summary>
    UnknownTable,

    /// <summary>The lease can have no route, because of its subnet or of another lease.</summary>
    Unroutable,
}

/// <summary>A lease that needs a route, and a table that has none for it which can be used.</summary>
/// <param name="Destination">The IPv4 or the IPv6 subnet of the lease.</param>
/// <param name="Vpc">Null for a node of upstream flannel, whose lease does not name it.</param>
/// <param name="TableId">Empty if it is not known.</param>
/// <param name="NextHop">What the entry must lead to; null for a node of upstream flannel.</param>
/// <param name="Detail">One line; may be empty.</param>
public sealed record RouteGap(
    RouteGapKind Kind, Lease Lease, IpNetwork Destination, VpcId? Vpc, string TableId, NextHop? NextHop, string Detail)
{
    /// <summary>Whether the list has no entry for it.</summary>
    public bool HasNoEntry => Kind is not (RouteGapKind.WrongNextHop or RouteGapKind.NotAvailable);

    internal static RouteGap Of(RouteGapKind kind, DesiredRoute route, string tableId, string detail = "") =>
        new(kind, route.Lease, route.Destination, VpcId.Of(route.Node), tableId, route.NextHop, detail);
}
