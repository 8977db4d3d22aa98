namespace Flannel.RouteController.Planning;

/// <summary>How an entry that this controller does not change relates to the desired routes.</summary>
public enum ConflictKind
{
    /// <summary>It has the destination of a desired route and may not be taken over.</summary>
    Occupied,

    /// <summary>It receives a part of a desired route's traffic, because its prefix is longer.</summary>
    Narrower,

    /// <summary>It contains the destination of a desired route. Harmless while that route exists, because its prefix is longer.</summary>
    Wider,

    /// <summary>Inside the network, without a mark, and no lease overlaps it.</summary>
    Unmanaged,

    /// <summary>Inside the network, of another cluster, and no lease overlaps it.</summary>
    OtherCluster,
}
