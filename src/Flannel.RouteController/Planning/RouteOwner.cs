namespace Flannel.RouteController.Planning;

/// <summary>Whose a route entry is, by its mark.</summary>
public enum RouteOwner
{
    /// <summary>Without a mark of any cluster: of the old backend, an operator or another program.</summary>
    Unmarked,

    /// <summary>Marked by this cluster.</summary>
    ThisCluster,

    /// <summary>Marked by another cluster of this program, or by two clusters.</summary>
    OtherCluster,
}
