using Flannel.AliCloud.Vpc;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>Deletes routes in batches.</summary>
internal sealed class RouteDeleter(
    VpcContext context, BatchSize size, PendingWrites pending, RouteFailures failures, BatchFailureHandler batchFailures)
{
    /// <summary>The next call that deletes; null if there is none.</summary>
    public RouteWrite.DeleteMany? Next(IEnumerable<RouteAction.Delete> open)
    {
        var batch = open.Take(size.Current).ToList();
        return batch.Count > 0 ? new RouteWrite.DeleteMany(batch) : null;
    }

    /// <summary>No route is left to delete.</summary>
    public void Reset() => size.Reset();

    public async Task<WriteResult> DeleteAsync(RouteWrite.DeleteMany write, CancellationToken cancellation)
    {
        var result = await context.Api.DeleteRouteEntriesAsync(
            context.RegionId, [.. write.Routes.Select(route => route.Entry)], cancellation);
        if (result.Error is { } error)
        {
            if (RouteErrors.IsTooLong(error) && write.Routes.Count > 1) return batchFailures.TooLong(write, error);
            if (RouteErrors.ConcernsVpc(error)) return batchFailures.Unanswered(write, error, size);
            foreach (var route in write.Routes) failures.Fail(route, error);
            return WriteResult.RoutesFailed;
        }

        size.Answered(write.Routes.Count);
        return RecordResults(write, result.Value!, result.RequestId);
    }

    private WriteResult RecordResults(RouteWrite.DeleteMany write, BatchResult result, string requestId)
    {
        bool Names(BatchFailure failure, RouteAction.Delete route) => write.Routes.Count == 1
            || failure.RouteEntryId == route.Entry.RouteEntryId
            || (string.IsNullOrEmpty(failure.RouteEntryId) && failure.Destination == route.Destination);

        var unnamed = result.Failures.FirstOrDefault(failure => !write.Routes.Any(route => Names(failure, route)))?.Error;
        foreach (var route in write.Routes)
        {
            if (result.Failures.FirstOrDefault(failure => Names(failure, route)) is { } own)
                failures.Fail(route, BatchFailureHandler.WithRequestId(own.Error, requestId));
            else if (unnamed is null) pending.Acknowledge(route, requestId);
            else pending.AddUnanswered(route);
        }

        if (unnamed is null) return WriteResult.Done;
        size.Rejected(write.Routes.Count);
        return batchFailures.Unnamed(write, unnamed, requestId);
    }
}
