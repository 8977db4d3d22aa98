using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;

namespace Flannel.RouteController.Planning;

/// <summary>Everything that the plan of one route table depends on.</summary>
/// <param name="Network">The cluster's network. Entries outside it and without a lease are ignored. Null while the configuration is missing
/// or invalid: then all entries without a lease are ignored.</param>
/// <param name="Desired">The routes of the nodes in the table's VPC, inside the network or not; no two with the same destination.</param>
/// <param name="Excluded">Subnets whose entries are not changed, see <see cref="DesiredVpcState.Excluded"/>.</param>
/// <param name="Entries">Every entry of the table.</param>
/// <param name="ServesNoNode">The table serves no node: entries of this cluster are updated or deleted, and nothing is created.</param>
public sealed record RoutePlanInput(
    string RouteTableId, IpNetwork? Network, IReadOnlyCollection<DesiredRoute> Desired, IReadOnlyCollection<IpNetwork> Excluded,
    IReadOnlyList<RouteEntry> Entries, OwnershipMark Mark, bool ServesNoNode = false)
{
    /// <summary>The routes of nodes that released their subnet.</summary>
    public IReadOnlyCollection<DesiredRoute> Released { get; init; } = [];

    /// <summary>Ids of entries that another cluster has taken over from this one and that are to be reclaimed.</summary>
    public IReadOnlySet<string> Reclaimed { get; init; } = new HashSet<string>();

    /// <summary>Subnets whose lease was seen to end: their marked entries are deleted, inside the network or not.</summary>
    public IReadOnlyCollection<IpNetwork> Ended { get; init; } = [];
}
