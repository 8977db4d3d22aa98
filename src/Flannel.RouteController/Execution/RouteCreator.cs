using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>Creates routes, in batches or one by one.</summary>
internal sealed class RouteCreator(
    VpcContext context, OwnershipMark mark, CreateBatches batches, PendingWrites pending, RouteFailures failures,
    BatchFailureHandler batchFailures)
{
    private const string BatchAction = "vpc:CreateRouteEntries";

    private readonly ClientTokens tokens = new(context.Random);

    public void Observe(string tableId, IEnumerable<RouteAction> actions) => tokens.Observe(tableId, actions);

    /// <summary>The next call that creates.</summary>
    /// <param name="open">The routes to create; not empty.</param>
    public RouteWrite Next(IReadOnlyList<RouteAction.Create> open, Func<RouteAction.Create, bool> fitsBatch) =>
        batches.Next(open, fitsBatch);

    /// <summary>No route is left to create.</summary>
    public void Reset() => batches.Reset();

    public async Task<WriteResult> CreateAsync(RouteWrite.CreateMany write, CancellationToken cancellation)
    {
        var result = await context.Api.CreateRouteEntriesAsync(context.RegionId, [.. write.Routes.Select(NewEntry)], cancellation);
        if (result.Error is { } error) return Fail(write, error);
        batches.Answered(write.Routes.Count);
        return RecordResults(write, result.Value!, result.RequestId);
    }

    public async Task<WriteResult> CreateAsync(RouteWrite.CreateOne write, CancellationToken cancellation)
    {
        var result = await context.Api.CreateRouteEntryAsync(
            context.RegionId, NewEntry(write.Route), tokens.Of(write.Route), cancellation);
        // A call whose response was lost is repeated with the same token.
        if (result.Error is { } unanswered && RouteErrors.ConcernsVpc(unanswered)) return batchFailures.Unanswered(write, unanswered);
        tokens.Remove(write.Route);
        if (result.Error is { } error)
        {
            batches.SingleFailed();
            failures.Fail(write.Route, error);
            return new WriteResult(HasFailed: true, error.Kind == CloudErrorKind.Denied ? error : null);
        }

        batches.SingleSucceeded();
        failures.Accepted(write.Route);
        pending.Acknowledge(write.Route, result.RequestId);
        return WriteResult.Done;
    }

    private WriteResult Fail(RouteWrite.CreateMany write, CloudError error)
    {
        if (RouteErrors.IsTooLong(error) && write.Routes.Count > 1) return batchFailures.TooLong(write, error);
        if (RouteErrors.ConcernsVpc(error)) return batchFailures.Unanswered(write, error, batches.Size);
        if (error.Kind == CloudErrorKind.Denied)
        {
            if (batches.Denied())
                RouteControllerLog.BatchDenied(context.Log, context.Vpc, error.DeniedAction ?? BatchAction, error.RequestId);
            return WriteResult.RoutesFailed;
        }

        if (write.Routes[0].Destination.IsV6 && Ipv6ErrorCodes.ConcernsTable(error.Code))
        {
            // A batch of IPv6 routes is of one table.
            foreach (var route in write.Routes) failures.Fail(route, error);
            return WriteResult.RoutesFailed;
        }

        batches.Rejected(write.Routes.Count);
        batchFailures.LogRejected(write, error, error.RequestId);
        return WriteResult.RoutesFailed;
    }

    /// <summary>Records for each route of a batch whether it was created, from the failures in the response.</summary>
    private WriteResult RecordResults(RouteWrite.CreateMany write, BatchResult result, string requestId)
    {
        var tablesOf = write.Routes.ToLookup(route => route.Destination);
        var failed = new Dictionary<IpNetwork, CloudError>();
        CloudError? unnamed = null;
        foreach (var failure in result.Failures)
        {
            if (write.Routes.Count == 1) failed.TryAdd(write.Routes[0].Destination, failure.Error);
            else if (failure.Destination is { } destination && tablesOf.Contains(destination)) failed.TryAdd(destination, failure.Error);
            else unnamed = failure.Error;
        }

        foreach (var route in write.Routes)
        {
            if (!failed.TryGetValue(route.Destination, out var error))
            {
                if (unnamed is null) pending.Acknowledge(route, requestId);
                else pending.AddUnanswered(route);
            }
            else if (tablesOf[route.Destination].Count() == 1) failures.Fail(route, BatchFailureHandler.WithRequestId(error, requestId));
            // The response does not say in which table it failed: the next read shows it, and later calls separate the tables.
            else batches.Separate(route.Destination);
        }

        if (unnamed is null) return failed.Count == 0 ? WriteResult.Done : WriteResult.PartlyFailed;
        batches.Rejected(write.Routes.Count);
        return batchFailures.Unnamed(write, unnamed, requestId);
    }

    private NewRouteEntry NewEntry(RouteAction.Create route) =>
        new(route.RouteTableId, route.Destination, route.Desired.NextHop, mark.Token, mark.Description);
}
