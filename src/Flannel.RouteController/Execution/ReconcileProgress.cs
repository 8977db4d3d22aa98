using Flannel.Core;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>When the route tables were last as desired, and how long it took to get there.</summary>
internal sealed class ReconcileProgress(VpcContext context)
{
    private long? writingSince;

    /// <summary>When all tables were last read or made as desired; null before that.</summary>
    public DateTimeOffset? LastReconcile { get; private set; }

    /// <summary>A write is being sent. A mark does not make a route available.</summary>
    public void WriteStarting(RouteWrite write)
    {
        if (write is not RouteWrite.MarkOne) writingSince ??= context.Time.GetTimestamp();
    }

    /// <summary>A pass found nothing to write.</summary>
    /// <param name="hasRead">Whether it read entries.</param>
    /// <param name="tables">The number of serving tables.</param>
    public void NothingToWrite(VpcPlan plan, bool hasRead, int tables)
    {
        if (hasRead) LastReconcile = context.Time.GetUtcNow();
        if (writingSince is not { } since) return;
        if (plan.ExecutableActions.Any(action => action is RouteAction.Create or RouteAction.Update)) return;
        writingSince = null;
        RouteControllerLog.RoutesAvailable(
            context.Log, context.Vpc, Plural.Of(plan.Desired.Nodes.Count, "route"), Plural.Of(tables, "table"),
            (long)context.Time.GetElapsedTime(since).TotalMilliseconds);
    }
}
