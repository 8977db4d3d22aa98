using Flannel.RouteController.Execution;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController;

/// <summary>Makes the plans of a VPC's tables, and lets everybody who remembers something learn from them.</summary>
internal sealed class VpcPlanner(
    OwnershipMark mark, VpcTables tables, VpcEntries entries, StaleRoutes stale, RouteFailures troubles, RouteQuota quota,
    RouteWriter writer,
    ForeignEntries foreign, SharedClusterDetector shared, TimeProvider time)
{
    private readonly AdoptedRoutes takenOver = new(mark, time);

    /// <summary>What was left alone, as of the last plans.</summary>
    public IReadOnlyList<ForeignEntry> Foreign => foreign.All;

    /// <summary>By table; one that was never read has none.</summary>
    public Dictionary<string, IReadOnlyList<RouteAction>> Plan(DesiredVpcState view)
    {
        var plans = new Dictionary<string, IReadOnlyList<RouteAction>>();
        takenOver.Begin();
        foreach (var tableId in tables.Serving.Concat(tables.Others))
        {
            if (entries.Of(tableId) is not { } known) continue;
            var steps = RoutePlan.For(new RoutePlanInput(
                tableId, view.Network, view.Nodes, view.Respected, known, mark, UpkeepOnly: !tables.Serving.Contains(tableId))
            {
                Leaving = view.Leaving,
                TakenBack = takenOver.Observe(known, view),
                Ended = [.. view.Ended.Select(ended => ended.Subnet)],
            });
            stale.Observe(tableId, steps, view);
            var used = known.Count(entry => entry.IsCustom);
            troubles.Observe(tableId, steps, used);
            quota.Observe(tableId, used, troubles.IsFull(tableId));
            writer.Observe(tableId, steps);
            shared.Observe(tableId, known, steps);
            foreign.Observe(tableId, steps);
            plans.Add(tableId, steps);
        }

        takenOver.End(view);
        foreign.Keep(plans.Keys);
        quota.Keep(plans.Keys);
        stale.Keep(plans.Keys);
        return plans;
    }

    public IReadOnlyList<TableUse> UseOf(VpcId vpc, IEnumerable<string> tableIds) =>
        [.. tableIds.Select(id => new TableUse(id, vpc.Id, entries.Of(id)?.Count(entry => entry.IsCustom) ?? 0, quota.LimitOf(id)))];
}
