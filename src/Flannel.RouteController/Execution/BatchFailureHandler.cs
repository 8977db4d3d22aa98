using Flannel.AliCloud.Http;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Infrastructure;

namespace Flannel.RouteController.Execution;

/// <summary>Handles the failure of a whole call: which routes have an unknown outcome, and how large the next batch is.</summary>
internal sealed class BatchFailureHandler(VpcContext context, BatchSizes sizes, PendingWrites pending)
{
    /// <summary>A gateway rejected the request as too long.</summary>
    public WriteResult TooLong(RouteWrite write, CloudError error)
    {
        sizes.TooLong(write.Actions.Count);
        LogRejected(write, error, error.RequestId);
        return WriteResult.RoutesFailed;
    }

    /// <summary>The call failed for a reason that is not in its routes. It may have been executed.</summary>
    /// <param name="size">Of the batch; null for a call with one route.</param>
    public WriteResult Unanswered(RouteWrite write, CloudError error, BatchSize? size = null)
    {
        foreach (var action in write.Actions) pending.AddUnanswered(action);
        var isSmaller = size is not null && RouteErrors.MayBeCausedBySize(error) && size.Unanswered(write.Actions.Count);
        if (isSmaller)
        {
            RouteControllerLog.BatchUnanswered(
                context.Log, context.Vpc, write.Actions.Count, size!.Current, error.Code, error.Message, error.RequestNote);
        }

        return new WriteResult(HasFailed: true, error, isSmaller);
    }

    /// <summary>The response reports a failure without naming its entry. The next read shows what was done.</summary>
    public WriteResult Unnamed(RouteWrite write, CloudError error, string requestId)
    {
        LogRejected(write, error, requestId);
        return WriteResult.RoutesFailed;
    }

    public void LogRejected(RouteWrite write, CloudError error, string requestId) => RouteControllerLog.BatchRejected(
        context.Log, context.Vpc, write.Actions.Count, error.Code, error.Message, requestId);

    /// <summary>A failure inside a batch has the request id of the batch.</summary>
    public static CloudError WithRequestId(CloudError error, string requestId) =>
        error.RequestId.Length > 0 ? error : error with { RequestId = requestId };
}
