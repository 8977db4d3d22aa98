using Flannel.RouteController.Failures;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>Records a plan of one family: what it says about earlier writes, their failures, stale routes and conflicts.</summary>
internal sealed class PlanRecorder(
    RouteFailures failures, PendingWrites pending, RouteCreator creator, DeletionPolicy deletions, RouteConflictTracker conflicts)
{
    public void Record(VpcPlan plan)
    {
        foreach (var table in plan.Tables)
        {
            var id = table.Table.Id;
            failures.Observe(id, table.Actions, table.Table.CustomEntries);
            pending.Observe(id, table.Actions, table.Table.IsStale);
            creator.Observe(id, table.Actions);
            deletions.Observe(table, plan.Desired);
            conflicts.Observe(id, table.Actions);
        }

        conflicts.RetainTables(plan.TableIds);
        deletions.Observe(plan);
    }
}
