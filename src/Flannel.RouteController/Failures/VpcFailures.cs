using Flannel.AliCloud.Http;
using Flannel.Core;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Failures;

/// <summary>All failures of one VPC: of single routes, of route tables, and of the calls that concern the whole VPC. It sets the deadlines
/// before which these calls are not repeated.</summary>
internal sealed class VpcFailures(VpcContext context, TimeSpan unreachableLimit, DeadlineSchedule schedule)
{
    private readonly VpcBackoff reads = new(unreachableLimit, context.Time, context.Random);
    private readonly VpcBackoff writes = new(unreachableLimit, context.Time, context.Random);
    private readonly Backoff tableList = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30), context.Random);

    public RouteFailures Routes { get; } = new(context.Time, context.Random, context.Log);

    public TableFailures Tables { get; } = new(context.Time, context.Random);

    public VpcHealth Health => reads.Health is VpcHealth.Usable ? writes.Health : reads.Health;

    /// <summary>Whether the back-off of <see cref="FailRead"/> has passed.</summary>
    public bool MayRead => !schedule.IsPending(Deadline.Read);

    /// <summary>Whether the back-off of <see cref="FailWrite"/> has passed.</summary>
    public bool MayWrite => !schedule.IsPending(Deadline.Write);

    /// <summary>Whether the last read or write of the whole VPC failed.</summary>
    public bool IsFailing => reads.IsFailing || writes.IsFailing;

    /// <summary>The reason for nodes without a route; null if nothing stops the whole VPC.</summary>
    public RouteStateReason? Reason => reads.Reason ?? writes.Reason;

    /// <summary>A read failed that every write depends on.</summary>
    /// <returns>The pause before the next one.</returns>
    public TimeSpan FailRead(CloudError error)
    {
        var isRepeated = reads.IsFailing;
        var pause = reads.Fail(error, isNextDifferent: false);
        schedule.Set(Deadline.Read, pause);
        LogRetry(error, pause, isRepeated);
        return pause;
    }

    public void RecoverReads() => Recover(reads);

    /// <summary>The tables could not be listed, and the known ones are used.</summary>
    public void FailTableList(CloudError error)
    {
        var isRepeated = tableList.Failures > 0;
        var pause = tableList.Next(error.RetryAfter);
        schedule.Set(Deadline.TableList, pause);
        LogRetry(error, pause, isRepeated);
    }

    public void RecoverTableList() => tableList.Reset();

    /// <summary>A write failed for a reason that is not in its routes.</summary>
    /// <returns>The pause before the next one.</returns>
    public TimeSpan FailWrite(CloudError error, bool isNextDifferent)
    {
        var isRepeated = writes.IsFailing;
        var pause = writes.Fail(error, isNextDifferent);
        schedule.Set(Deadline.Write, pause);
        LogRetry(error, pause, isRepeated);
        return pause;
    }

    public void RecoverWrites() => Recover(writes);

    /// <param name="isRepeated">Whether the same call failed before: one failure alone is usually settled by the first retry.</param>
    public static void LogRetry(VpcId vpc, CloudError error, TimeSpan pause, bool isRepeated, ILogger log)
    {
        if (error.Kind == CloudErrorKind.Denied)
        {
            RouteControllerLog.Denied(log, vpc, error.Denial, error.RequestNote);
            return;
        }

        var level = isRepeated ? LogLevel.Warning : LogLevel.Debug;
        object milliseconds = (long)pause.TotalMilliseconds;
        RouteControllerLog.Waiting(log, level, vpc, milliseconds, error.Code, error.Message, error.RequestNote);
    }

    private void LogRetry(CloudError error, TimeSpan pause, bool isRepeated) =>
        LogRetry(context.Vpc, error, pause, isRepeated, context.Log);

    private void Recover(VpcBackoff backoff)
    {
        if (backoff.Reason is not null) RouteControllerLog.Recovered(context.Log, context.Vpc);
        backoff.Recover();
    }
}
