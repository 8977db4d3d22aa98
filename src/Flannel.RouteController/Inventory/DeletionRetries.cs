using Flannel.AliCloud.Http;
using Flannel.Core;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Inventory;

/// <summary>The size of the next batch of deletions in one VPC, and whether and when a failed one is repeated. For a command, which ends,
/// unlike a term.</summary>
internal sealed class DeletionRetries(TimeProvider time, Random random)
{
    /// <summary>How long calls may fail in a row. The time begins again with each smaller batch.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly Backoff backoff = new(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(10), random);
    private long since = time.GetTimestamp();

    public BatchSize Size { get; } = new(time);

    /// <summary>Whether calls have failed for longer than the time limit: the next failed call is not repeated.</summary>
    public bool IsExhausted => time.GetElapsedTime(since) > Limit;

    /// <summary>A batch of this size got a response for each entry.</summary>
    public void Answered(int sent)
    {
        Size.Answered(sent);
        Restart();
    }

    /// <summary>The pause before the routes of a failed call are sent again, perhaps in smaller batches; null if they are not.</summary>
    public TimeSpan? PauseAfter(VpcId vpc, int sent, CloudError error, ILogger log)
    {
        if (RouteErrors.IsTooLong(error) && sent > 1)
        {
            Size.TooLong(sent);
            RouteControllerLog.BatchRejected(log, vpc, sent, error.Code, error.Message, error.RequestId);
            Restart();
            return backoff.Next(error.RetryAfter);
        }

        if (error.Kind is not (CloudErrorKind.Retry or CloudErrorKind.Reread)) return null;
        if (RouteErrors.MayBeCausedBySize(error) && Size.Unanswered(sent))
        {
            RouteControllerLog.BatchUnanswered(log, vpc, sent, Size.Current, error.Code, error.Message, error.RequestNote);
            Restart();
            return backoff.Next(error.RetryAfter);
        }

        if (IsExhausted) return null;
        var isRepeated = backoff.Failures > 0;
        var pause = backoff.Next(error.RetryAfter);
        VpcFailures.LogRetry(vpc, error, pause, isRepeated, log);
        return pause;
    }

    /// <summary>Only the failure of a smaller batch proves that the API is unavailable.</summary>
    private void Restart()
    {
        since = time.GetTimestamp();
        backoff.Reset();
    }
}
