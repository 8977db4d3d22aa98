using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Inventory;

namespace Flannel.RouteController.Planning;

/// <summary>What is to be done about one destination in one table.</summary>
public abstract record RouteAction(string RouteTableId, Ipv4Network Destination)
{
    /// <summary>The entry is as wanted.</summary>
    public sealed record Keep(RouteEntry Entry, DesiredRoute Wanted) : RouteAction(Entry.RouteTableId, Wanted.Destination);

    /// <summary>There is no entry for the destination.</summary>
    public sealed record Create(string Table, DesiredRoute Wanted) : RouteAction(Table, Wanted.Destination);

    /// <summary>The entry's next hop is another one.</summary>
    public sealed record Update(RouteEntry Entry, DesiredRoute Wanted) : RouteAction(Entry.RouteTableId, Wanted.Destination);

    /// <summary>The entry leads to the right node and its name or description is to be written: of an own entry that was renamed, or of
    /// another cluster's entry whose node is now in this one.</summary>
    public sealed record Mark(RouteEntry Entry, DesiredRoute Wanted) : RouteAction(Entry.RouteTableId, Wanted.Destination);

    /// <summary>No lease wants the entry: it is ours by its mark, or its node released the subnet.</summary>
    /// <param name="Released">The route of the node that released the subnet: it is deleted without delay. Null when there is no lease:
    /// then <see cref="StaleRoutes"/> says when there is enough evidence.</param>
    public sealed record Delete(RouteEntry Entry, Ipv4Network Network, DesiredRoute? Released = null)
        : RouteAction(Entry.RouteTableId, Network);

    /// <summary>Pending, modifying, deleting, or a status that this program does not know: looked at again, touched by nobody.</summary>
    /// <param name="Wanted">Null when no lease wants the destination.</param>
    public sealed record Wait(RouteEntry Entry, Ipv4Network Network, DesiredRoute? Wanted) : RouteAction(Entry.RouteTableId, Network);

    /// <summary>Somebody else's entry, left alone.</summary>
    /// <param name="Wanted">The route that it bears on; null when there is none.</param>
    public sealed record Conflict(RouteEntry Entry, Ipv4Network Network, ConflictKind Kind, DesiredRoute? Wanted)
        : RouteAction(Entry.RouteTableId, Network);
}

public enum ConflictKind
{
    /// <summary>It stands exactly where a route belongs, and may not be taken over.</summary>
    Occupied,

    /// <summary>It takes a part of a wanted destination's traffic: the longer prefix wins.</summary>
    Narrower,

    /// <summary>It contains a wanted destination, whose longer prefix wins over it: harmless as long as ours stands.</summary>
    Wider,

    /// <summary>Inside the network and no lease is near: a leftover, or another program's.</summary>
    Foreign,

    /// <summary>Inside the network and no lease is near: another cluster's.</summary>
    OtherCluster,
}
