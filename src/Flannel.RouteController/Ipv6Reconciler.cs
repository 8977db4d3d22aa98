using Flannel.Core.Routes;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Status;

namespace Flannel.RouteController;

/// <summary>The IPv6 routes of one VPC. Planning, evidence and writes are the code of IPv4 with state of their own, so that a failure of
/// IPv6 changes nothing for IPv4. A pass writes for IPv6 only if it has nothing to write for IPv4.</summary>
/// <param name="ipv4">The failures of IPv4.</param>
internal sealed class Ipv6Reconciler(
    FamilyParts family, VpcFailures ipv4, Ipv6QuotaShare share, ExecutionParts execution, StatusDebouncer debouncer,
    Ipv6StatusSource statuses)
{
    /// <summary>The longest call that writes. IPv4 waits no longer for an API that does not respond to IPv6.</summary>
    public static readonly TimeSpan WriteLimit = TimeSpan.FromSeconds(5);

    /// <summary>No write is sent when an IPv4 route is retried within this time: the API would be busy with the other write.</summary>
    private static readonly TimeSpan RetryWindow = TimeSpan.FromSeconds(3);

    /// <summary>The shortest pause while IPv6 may not write.</summary>
    private static readonly TimeSpan BlockedPause = TimeSpan.FromSeconds(1);

    /// <summary>How soon a creation is planned again while the limit of the tables is being read.</summary>
    private static readonly TimeSpan LimitPoll = TimeSpan.FromMilliseconds(200);

    public WriteCounts Writes => execution.Pending.Counts;

    public IReadOnlyList<RouteConflict> Conflicts => execution.Conflicts.All;

    public int HeldDeletions => execution.Deletions.Held;

    /// <summary>The newest status of each node with an IPv6 subnet.</summary>
    public IReadOnlyList<RouteStatus> Latest => debouncer.Latest;

    /// <summary>Records the plan of a pass. Called in each pass, after the plan of IPv4 was recorded.</summary>
    public void Record(VpcPlan plan, VpcPlan ipv4Plan)
    {
        execution.Recorder.Record(plan);
        share.Observe(ipv4Plan);
    }

    /// <summary>The states of a recorded plan by lease key.</summary>
    public IReadOnlyDictionary<string, Ipv6RouteStatus> StatusesOf(VpcPlan plan) => statuses.Of(plan);

    /// <inheritdoc cref="VpcExecutor.HeldBack"/>
    public string? HeldBack(RouteAction action, VpcPlan plan) => execution.Executor.HeldBack(action, plan);

    /// <summary>Sends at most one write.</summary>
    /// <param name="isCurrent">Whether the plan's leases are still the newest.</param>
    public async Task<ExecutionResult> ExecuteAsync(VpcPlan plan, Func<bool> isCurrent, CancellationToken cancellation)
    {
        if (!ipv4.MayWrite || ipv4.Routes.NextRetry() < RetryWindow) return new ExecutionResult.Blocked();
        return await execution.Executor.ExecuteAsync(share.Limit(plan), isCurrent, starting: share.Sent, cancellation);
    }

    /// <summary>The time until IPv6 has something to do; null for the next resync.</summary>
    /// <param name="result">Null if the pass executed nothing for IPv6.</param>
    public TimeSpan? NextDue(VpcPlan plan, ExecutionResult? result)
    {
        if (result is ExecutionResult.Again) return TimeSpan.Zero;
        if (result is ExecutionResult.After { Pause: var pause }) return pause;
        var schedule = family.Schedule;
        schedule.RemoveElapsed();
        schedule.SetOrRemove(Deadline.Route, family.Failures.Routes.NextRetry());
        schedule.SetOrRemove(Deadline.Status, debouncer.NextDue);
        execution.Deletions.Schedule(plan.Desired);
        var next = schedule.Next(ignored: plan.ExecutableActions.Count > 0 ? null : Deadline.Write);
        // What is due now was not executed: the result was Blocked, or IPv4 had something to write.
        if (result is not ExecutionResult.NothingToWrite && next < BlockedPause) return BlockedPause;
        var waitsForLimit = !share.IsLimitKnown && plan.Actions.Any(action => action is RouteAction.Create);
        return waitsForLimit && !(next < LimitPoll) ? LimitPoll : next;
    }
}
