using Flannel.Core;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Inventory;

/// <summary>Another cluster of this program that has routes inside this cluster's network.</summary>
/// <param name="Mark">What its entries are marked with.</param>
/// <param name="Count">The number of its routes.</param>
public sealed record OtherClusterRoutes(VpcId Vpc, string Mark, int Count)
{
    public override string ToString() =>
        $"{Plural.Of(Count, "route")} of another cluster ({Mark}): kept;"
        + $" if that cluster is gone, 'flanneld routes clean --of {Mark}' deletes them";
}
