using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Abstractions;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>Which deletions of a plan may be sent now. Routes are deleted on evidence, never on absence alone; a few at a time; not while
/// another controller uses this cluster's id; and only after the store has confirmed what the deletion is based on.</summary>
internal sealed class DeletionPolicy(
    VpcContext context, IElectedTerm term, StaleRoutes stale, DeletionLimiter limiter, SharedClusterDetector shared,
    DeadlineSchedule schedule)
{
    private static readonly TimeSpan ProofRetry = TimeSpan.FromSeconds(5);

    /// <summary>Stale routes whose deletion is held.</summary>
    public int Held => limiter.Held;

    /// <summary>Records a plan.</summary>
    public void Observe(TablePlan plan, DesiredVpcState desired)
    {
        stale.Observe(plan.Table.Id, plan.Actions, desired);
        shared.Observe(plan.Table.Id, plan.Table.Entries, plan.Actions);
    }

    /// <summary>Called after all tables of a plan.</summary>
    public void Observe(VpcPlan plan)
    {
        stale.RetainTables(plan.TableIds);
        limiter.Observe(plan);
    }

    /// <summary>The routes that their nodes released, and the stale ones with evidence that are not held.</summary>
    public IReadOnlyList<RouteAction.Delete> Allow(VpcPlan plan)
    {
        var deletions = plan.ExecutableActions.OfType<RouteAction.Delete>().ToList();
        var due = shared.IsShared ? [] : deletions.Where(delete => delete.Released is null && stale.IsDue(delete)).ToList();
        var released = deletions.Where(delete => delete.Released is { } node && HoldLeft(node, plan.Desired) <= TimeSpan.Zero);
        List<RouteAction.Delete> allowed = [.. released, .. limiter.Allow(due)];
        // After an unproven deletion none is sent for a while; the limiter counts all the same.
        return schedule.IsPending(Deadline.Deletion) ? [] : allowed;
    }

    /// <summary>Why a deletion of the plan is not sent now; null if it may be.</summary>
    public string? HeldBack(RouteAction.Delete delete, DesiredVpcState desired)
    {
        if (schedule.IsPending(Deadline.Deletion)) return "the election or the leases are not proven";
        if (delete.Released is { } node) return HoldLeft(node, desired) > TimeSpan.Zero ? "the release is recent" : null;
        if (shared.IsShared) return "another route controller uses this cluster's id";
        if (!stale.IsDue(delete)) return "no evidence yet";
        return limiter.Held > 0 ? "many routes became stale at once" : null;
    }

    /// <summary>Asks the store by one linearizable read whether this term and the leases are as the deletion assumes: the watch may lag
    /// behind.</summary>
    public async Task<bool> IsProvenAsync(RouteWrite.DeleteMany write, CancellationToken cancellation)
    {
        var proof = await term.ProveAsync(
            [.. write.Routes.Where(delete => delete.Released is null).Select(delete => delete.Destination).Distinct()],
            [.. write.Routes.Select(delete => delete.Released?.Lease).OfType<Lease>().DistinctBy(lease => lease.Key)], cancellation);
        if (proof == TermProof.Proven) return true;
        if (proof == TermProof.LeasesDiffer) RouteControllerLog.LeasesDiffer(context.Log, context.Vpc);
        else RouteControllerLog.ElectionNotProved(context.Log, context.Vpc);
        schedule.Set(Deadline.Deletion, ProofRetry);
        return false;
    }

    /// <summary>A deletion is being sent.</summary>
    public void Sent(RouteWrite.DeleteMany write) => limiter.Sent(write.Routes);

    public void Schedule(DesiredVpcState desired)
    {
        schedule.SetOrRemove(Deadline.StaleRoute, stale.NextDue());
        schedule.SetOrRemove(Deadline.HeldDeletions, limiter.NextDue);
        var holds = desired.Released.Select(node => HoldLeft(node, desired)).Where(left => left > TimeSpan.Zero).ToList();
        schedule.SetOrRemove(Deadline.Release, holds.Count == 0 ? null : holds.Min());
    }

    /// <summary>How long the route of a released subnet is kept; zero or negative if it may be deleted.</summary>
    private TimeSpan HoldLeft(DesiredRoute released, DesiredVpcState desired) =>
        desired.ListedReleases.FirstOrDefault(release => release.LeaseKey == released.Key) is { } listed
            ? ListedReleaseTracker.Hold - context.Time.GetElapsedTime(listed.At)
            : TimeSpan.Zero;
}
