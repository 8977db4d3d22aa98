using Flannel.AliCloud.Http;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>Changes the next hop of routes in place, and writes marks.</summary>
internal sealed class RouteModifier(
    VpcContext context, OwnershipMark mark, PendingWrites pending, RouteFailures failures, BatchFailureHandler batchFailures)
{
    /// <summary>A mark is written to an entry at most once within this time, even if another program overwrites it.</summary>
    private static readonly TimeSpan MarkInterval = TimeSpan.FromHours(1);

    /// <summary>At most this many entries without a mark, those of flannel v0.19.2, are marked within <see cref="FirstMarkInterval"/>. It
    /// limits the calls to the API: after the move of 200 nodes, the marks take 40 minutes.</summary>
    private const int FirstMarksPerInterval = 5;

    private static readonly TimeSpan FirstMarkInterval = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, long> markedAt = [];

    /// <summary>When first marks were sent within <see cref="FirstMarkInterval"/>, the oldest first.</summary>
    private readonly Queue<long> firstMarks = [];

    private long? firstMarkDeniedAt;

    /// <summary>Whether the mark may be written now: not to one entry twice within <see cref="MarkInterval"/>, and a first mark only within
    /// its limit.</summary>
    public bool MayMark(RouteAction.Mark route) =>
        (!markedAt.TryGetValue(route.Entry.RouteEntryId, out var at) || context.Time.GetElapsedTime(at) >= MarkInterval)
        && (!IsFirstMark(route) || MayWriteFirstMark());

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
        if (IsFirstMark(route)) firstMarks.Enqueue(context.Time.GetTimestamp());
        var result = await context.Api.ModifyRouteEntryAsync(
            context.RegionId, route.Entry, null, mark.Token, mark.DescriptionFor(route.Entry), cancellation);
        if (result.Error is { } error)
        {
            if (RouteErrors.ConcernsVpc(error)) return new WriteResult(HasFailed: true, error);
            if (error.Kind == CloudErrorKind.Denied && IsFirstMark(route)) firstMarkDeniedAt = context.Time.GetTimestamp();
            // The route works without its mark: the failure concerns neither the node nor the VPC.
            failures.Fail(route, error);
            return WriteResult.RoutesFailed;
        }

        markedAt[route.Entry.RouteEntryId] = context.Time.GetTimestamp();
        pending.Acknowledge(route, result.RequestId);
        return WriteResult.Done;
    }

    /// <summary>Whether the entry has no mark of any cluster.</summary>
    private static bool IsFirstMark(RouteAction.Mark route) => OwnershipMark.TokenOf(route.Entry) is null;

    private bool MayWriteFirstMark()
    {
        // The next entry would be denied as well.
        if (firstMarkDeniedAt is { } denied && context.Time.GetElapsedTime(denied) < MarkInterval) return false;
        while (firstMarks.TryPeek(out var oldest) && context.Time.GetElapsedTime(oldest) >= FirstMarkInterval) firstMarks.Dequeue();
        return firstMarks.Count < FirstMarksPerInterval;
    }
}
