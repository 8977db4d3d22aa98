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

    /// <summary>How many entries without any mark, those of flannel v0.19.2, are marked within <see cref="AdoptionInterval"/>. After the
    /// move of 200 nodes it takes 40 minutes, and leaves the calls of the account to others.</summary>
    private const int AdoptionsPerInterval = 5;

    private static readonly TimeSpan AdoptionInterval = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, long> markedAt = [];

    /// <summary>When marks of entries without a mark were sent.</summary>
    private readonly Queue<long> adoptions = [];

    private long? adoptionDeniedAt;

    /// <summary>Whether the mark was not written to this entry within the last hour, and for an entry without a mark whether its turn has
    /// come.</summary>
    public bool MayMark(RouteAction.Mark route) =>
        (!markedAt.TryGetValue(route.Entry.RouteEntryId, out var at) || context.Time.GetElapsedTime(at) >= MarkInterval)
        && (!IsAdoption(route) || MayAdopt());

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
        if (IsAdoption(route)) adoptions.Enqueue(context.Time.GetTimestamp());
        var result = await context.Api.ModifyRouteEntryAsync(
            context.RegionId, route.Entry, null, mark.Token, mark.DescriptionFor(route.Entry), cancellation);
        if (result.Error is { } error)
        {
            if (RouteErrors.ConcernsVpc(error)) return new WriteResult(HasFailed: true, error);
            if (error.Kind == CloudErrorKind.Denied && IsAdoption(route)) adoptionDeniedAt = context.Time.GetTimestamp();
            // The route works without its mark: the failure concerns neither the node nor the VPC.
            failures.Fail(route, error);
            return WriteResult.RoutesFailed;
        }

        markedAt[route.Entry.RouteEntryId] = context.Time.GetTimestamp();
        pending.Acknowledge(route, result.RequestId);
        return WriteResult.Done;
    }

    private static bool IsAdoption(RouteAction.Mark route) => OwnershipMark.TokenOf(route.Entry) is null;

    private bool MayAdopt()
    {
        // The next entry would be denied as well.
        if (adoptionDeniedAt is { } denied && context.Time.GetElapsedTime(denied) < MarkInterval) return false;
        while (adoptions.TryPeek(out var oldest) && context.Time.GetElapsedTime(oldest) >= AdoptionInterval) adoptions.Dequeue();
        return adoptions.Count < AdoptionsPerInterval;
    }
}
