using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Status;

/// <summary>What a plan says about the tables that serve nodes.</summary>
/// <param name="Narrower">Entries of others that receive a part of a subnet's traffic.</param>
internal sealed record ServedActions(IReadOnlyDictionary<RouteKey, RouteAction> ByKey, IReadOnlyList<RouteAction.Conflict> Narrower)
{
    public static ServedActions Of(VpcPlan plan, IReadOnlyList<string> serving)
    {
        var byKey = new Dictionary<RouteKey, RouteAction>();
        var narrower = new List<RouteAction.Conflict>();
        foreach (var action in plan.Tables.Where(table => serving.Contains(table.Table.Id)).SelectMany(table => table.Actions))
        {
            if (action is RouteAction.Conflict { Kind: ConflictKind.Narrower } part) narrower.Add(part);
            else byKey[RouteKey.Of(action)] = action;
        }

        return new ServedActions(byKey, narrower);
    }
}
