using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;

namespace Flannel.RouteController.Planning;

/// <summary>What the plan says about one destination in one route table.</summary>
public abstract record RouteAction(string RouteTableId, IpNetwork Destination)
{
    internal RouteKey Key { get; } = new(RouteTableId, Destination);

    public string RouteTableId => Key.TableId;

    public IpNetwork Destination => Key.Destination;

    /// <summary>Whether it changes the route table.</summary>
    public bool IsWrite => this is Create or Update or Mark or Delete;

    /// <summary>The entry is as desired.</summary>
    public sealed record Keep(RouteEntry Entry, DesiredRoute Desired) : RouteAction(Entry.RouteTableId, Desired.Destination);

    /// <summary>The entry is kept for now: the cloud is changing it, or its status is unknown to this program. A later pass
    /// decides.</summary>
    /// <param name="Desired">Null if the destination has no desired route.</param>
    public sealed record KeepInTransition(RouteEntry Entry, IpNetwork Destination, DesiredRoute? Desired)
        : RouteAction(Entry.RouteTableId, Destination);

    /// <summary>The destination has no entry.</summary>
    public sealed record Create(string RouteTableId, DesiredRoute Desired) : RouteAction(RouteTableId, Desired.Destination);

    /// <summary>The entry has another next hop.</summary>
    public sealed record Update(RouteEntry Entry, DesiredRoute Desired) : RouteAction(Entry.RouteTableId, Desired.Destination);

    /// <summary>The entry leads to the right node, and its name or description must be written: someone renamed it, it is another
    /// cluster's and its node is now in this one, or flannel v0.19.2 created it.</summary>
    public sealed record Mark(RouteEntry Entry, DesiredRoute Desired) : RouteAction(Entry.RouteTableId, Desired.Destination);

    /// <summary>The entry has no desired route. It carries this cluster's mark, or its node released the subnet; or it is an IPv6
    /// entry that is deleted for an IPv4 route.</summary>
    /// <param name="Released">The route of the node that released the subnet, or whose IPv6 route is deleted for an IPv4 route: it is
    /// deleted without delay. Null if there is no lease: then it is deleted when there is enough evidence.</param>
    public sealed record Delete(RouteEntry Entry, IpNetwork Destination, DesiredRoute? Released = null)
        : RouteAction(Entry.RouteTableId, Destination);

    /// <summary>The entry belongs to another owner and is not changed.</summary>
    /// <param name="Desired">The desired route that it overlaps; null if there is none.</param>
    public sealed record Conflict(RouteEntry Entry, IpNetwork Destination, ConflictKind Kind, DesiredRoute? Desired)
        : RouteAction(Entry.RouteTableId, Destination);
}
