using Flannel.AliCloud.Http;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>Executes a plan: at most one call that writes in each pass. Whatever comes of a call, the next pass observes it.</summary>
internal sealed class VpcExecutor(
    TransitionWait transition, WriteSelector selector, DeletionPolicy deletions, WriteGuard guard, RouteWriter writer,
    VpcFailures failures)
{
    /// <param name="isCurrent">Whether the plan's leases are still the newest.</param>
    /// <param name="starting">Called before a write is sent.</param>
    public async Task<ExecutionResult> ExecuteAsync(VpcPlan plan, Func<bool> isCurrent, Action starting, CancellationToken cancellation)
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
            // A lease may have come while the store was asked.
            if (!isCurrent()) return new ExecutionResult.Again();
            deletions.Sent(deletion);
        }

        // Nothing is sent after the term is lost.
        cancellation.ThrowIfCancellationRequested();
        starting();
        selector.Sent(write);
        return Conclude(write, await writer.WriteAsync(write, cancellation));
    }

    private ExecutionResult Conclude(RouteWrite write, WriteResult result)
    {
        transition.Restart(write);
        if (result.VpcError is not { } error)
        {
            failures.RecoverWrites();
            return new ExecutionResult.After(transition.NextPoll());
        }

        // The permission to update may be missing where the one to create is not: then it is a failure of those routes.
        if (error.Kind == CloudErrorKind.Denied && write is RouteWrite.UpdateOne && writer.HasSucceeded)
            return new ExecutionResult.After(transition.NextPoll());
        var pause = failures.FailWrite(error, isNextDifferent: result.IsNextSmaller);
        return error.Kind == CloudErrorKind.Denied ? new ExecutionResult.Again() : new ExecutionResult.After(pause);
    }
}
