using Flannel.RouteController.Failures;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>Records a plan: what it says about earlier writes, their failures, stale routes, the quota and conflicts.</summary>
internal sealed class PlanRecorder(
    RouteFailures failures, RouteQuota quota, PendingWrites pending, RouteCreator creator, DeletionPolicy deletions,
    RouteConflictTracker conflicts)
{
    public void Record(VpcPlan plan)
    {
        foreach (var table in plan.Tables)
        {
            var (id, entries) = (table.Table.Id, table.Table.CustomEntries);
            failures.Observe(id, table.Actions, entries);
            quota.Observe(id, entries, failures.IsFull(id));
            pending.Observe(id, table.Actions, table.Table.IsStale);
            creator.Observe(id, table.Actions);
            deletions.Observe(table, plan.Desired);
            conflicts.Observe(id, table.Actions);
        }

        conflicts.RetainTables(plan.TableIds);
        quota.RetainTables(plan.TableIds);
        deletions.Observe(plan);
    }
}
