using Flannel.AliCloud.Http;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>Changes the next hop of routes in place, and writes marks.</summary>
internal sealed class RouteModifier(
    VpcContext context, OwnershipMark mark, PendingWrites pending, RouteFailures failures, BatchFailureHandler batchFailures)
{
    /// <summary>A mark is written to an entry at most once within this time, even if another program overwrites it. So is a mark that the
    /// API rejects.</summary>
    private static readonly TimeSpan MarkInterval = TimeSpan.FromHours(1);

    private readonly Dictionary<string, long> markedAt = [];
    private readonly FirstMarkLimiter firstMarks = new(context);

    /// <summary>Whether the mark may be written now: not to one entry twice within <see cref="MarkInterval"/>, and a first mark only within
    /// its limit.</summary>
    public bool MayMark(RouteAction.Mark route) =>
        (!markedAt.TryGetValue(route.Entry.RouteEntryId, out var at) || context.Time.GetElapsedTime(at) >= MarkInterval)
        && (!FirstMarkLimiter.IsFirstMark(route) || firstMarks.MayMark());

    public async Task<WriteResult> UpdateAsync(RouteWrite.UpdateOne write, CancellationToken cancellation)
    {
        var route = write.Route;
        var result = await context.Api.ModifyRouteEntryAsync(
            context.RegionId, route.Entry, route.Desired.NextHop, mark.Token, mark.Description, cancellation);
        if (result.Error is { } error)
        {
            if (RouteErrors.ConcernsVpc(error)) return batchFailures.Unanswered(write, error);
            failures.Fail(route, error);
            return new WriteResult(HasFailed: true, error.Kind == CloudErrorKind.Denied ? error : null);
        }

        pending.Acknowledge(route, result.RequestId);
        return WriteResult.Done;
    }

    /// <summary>Writes name and description alone: with an unchanged next hop the API rejects the call
    /// (OperationDenied.NextHopNotChanged).</summary>
    public async Task<WriteResult> MarkAsync(RouteWrite.MarkOne write, CancellationToken cancellation)
    {
        var route = write.Route;
        var isFirst = FirstMarkLimiter.IsFirstMark(route);
        if (isFirst) firstMarks.Starting();
        var result = await context.Api.ModifyRouteEntryAsync(
            context.RegionId, route.Entry, null, mark.Token, mark.DescriptionFor(route.Entry), cancellation);
        if (result.Error is { } error) return isFirst ? FailFirst(route, error) : Fail(route, error);
        if (isFirst) firstMarks.Succeeded();
        markedAt[route.Entry.RouteEntryId] = context.Time.GetTimestamp();
        pending.Acknowledge(route, result.RequestId);
        return WriteResult.Done;
    }

    private WriteResult Fail(RouteAction.Mark route, CloudError error)
    {
        if (RouteErrors.ConcernsVpc(error)) return new WriteResult(HasFailed: true, error);
        // The route works without its mark: the failure concerns neither the node nor the VPC.
        failures.Fail(route, error);
        return WriteResult.RoutesFailed;
    }

    /// <summary>A cluster that has moved from flannel v0.19.2 has only such entries. That they cannot be marked must not end the term, as a
    /// VPC API without a response does; invalid credentials end it.</summary>
    private WriteResult FailFirst(RouteAction.Mark route, CloudError error)
    {
        if (error.Kind == CloudErrorKind.RefreshCredentials) return new WriteResult(HasFailed: true, error);
        if (error.Kind == CloudErrorKind.Denied || RouteErrors.ConcernsVpc(error)) firstMarks.Failed(error);
        else markedAt[route.Entry.RouteEntryId] = context.Time.GetTimestamp();
        failures.Fail(route, error);
        return WriteResult.RoutesFailed;
    }
}
