using Flannel.AliCloud.Http;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>Executes a plan: at most one call that writes in each pass. The next pass observes the result of the call.</summary>
internal sealed class VpcExecutor(
    TransitionWait transition, WriteSelector selector, DeletionPolicy deletions, WriteGuard guard, RouteWriter writer,
    VpcFailures failures)
{
    /// <param name="isCurrent">Whether the plan's leases are still the newest.</param>
    /// <param name="starting">Called before a write is sent.</param>
    public async Task<ExecutionResult> ExecuteAsync(
        VpcPlan plan, Func<bool> isCurrent, Action<RouteWrite> starting, CancellationToken cancellation)
    {
        var actions = plan.ExecutableActions;
        transition.Observe(actions);
        if (transition.DelaysWrites) return new ExecutionResult.After(transition.NextPoll());

        var allowed = deletions.Allow(plan);
        var write = failures.MayWrite ? selector.Select(actions, allowed) : null;
        if (write is null)
            return transition.IsWaiting ? new ExecutionResult.After(transition.NextPoll()) : new ExecutionResult.NothingToWrite();

        if (await guard.CheckAsync(write, plan.Desired, cancellation) is { } rejection) return rejection;
        if (write is RouteWrite.DeleteMany deletion)
        {
            // A lease may have been created during the proof.
            if (!isCurrent()) return new ExecutionResult.Again();
            deletions.Sent(deletion);
        }

        // Nothing is sent after the term is lost.
        cancellation.ThrowIfCancellationRequested();
        starting(write);
        selector.Sent(write);
        return HandleResult(write, await writer.WriteAsync(write, cancellation));
    }

    /// <summary>Why an action of a recorded plan is not executed now; null if it may be.</summary>
    public string? HeldBack(RouteAction action, VpcPlan plan)
    {
        if (!failures.MayWrite) return "back-off of the VPC";
        if (failures.Routes.Of(action) is { } failure && failures.Routes.Blocks(action)) return $"back-off: {failure.Reason.Message}";
        return action switch
        {
            RouteAction.Delete delete => deletions.HeldBack(delete, plan.Desired),
            RouteAction.Mark mark when !selector.MayMark(mark) => "limit of marks",
            _ => null,
        };
    }

    private ExecutionResult HandleResult(RouteWrite write, WriteResult result)
    {
        transition.Restart(write, result);
        if (result.VpcError is not { } error)
        {
            failures.RecoverWrites();
            return new ExecutionResult.After(transition.NextPoll());
        }

        // If other writes have succeeded, only the permission to update is missing: a failure of these routes, not of the VPC.
        if (error.Kind == CloudErrorKind.Denied && write is RouteWrite.UpdateOne && writer.HasSucceeded)
            return new ExecutionResult.After(transition.NextPoll());
        var pause = failures.FailWrite(error, isNextDifferent: result.IsNextSmaller);
        return error.Kind == CloudErrorKind.Denied ? new ExecutionResult.Again() : new ExecutionResult.After(pause);
    }
}
