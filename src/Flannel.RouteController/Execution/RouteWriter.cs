using System.Security.Cryptography;
using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Execution;

/// <summary>Chooses the next call for a VPC and makes it. The API takes one write at a time per VPC and up to 50 entries in it.</summary>
internal sealed class RouteWriter(
    VpcId vpc, ICloudApi api, OwnershipMark mark, RouteFailures troubles, TimeProvider time, Random random, ILogger log)
{
    /// <summary>How long a listing may lag behind an acknowledged write before the write is repeated.</summary>
    private static readonly TimeSpan ListingLag = TimeSpan.FromSeconds(3);

    /// <summary>How long a mark that was written and does not appear, or does not stay, is not written again.</summary>
    private static readonly TimeSpan MarkInterval = TimeSpan.FromHours(1);

    private readonly Dictionary<RouteKey, Acknowledgement> acknowledged = [];
    private readonly Dictionary<RouteKey, string> clientTokens = [];
    private readonly Dictionary<RouteKey, RouteAction> uncertain = [];
    private readonly Dictionary<string, long> marked = [];
    private readonly CreateBatches batches = new(troubles, time);
    private readonly BatchSize deletions = new(time);
    private bool hasFailed;
    private Type? lastKind;

    private sealed record Acknowledgement(Type Step, long At);

    public WriteCounts Counts { get; private set; } = new(0, 0, 0, 0, 0);

    /// <summary>Whether the last write got no answer and the next batch is smaller for it.</summary>
    public bool HasShrunk { get; private set; }

    /// <summary>Whether any route was changed in this term: the role may write.</summary>
    public bool HasSucceeded => Counts.Created + Counts.RePointed + Counts.Deleted > 0;

    /// <summary>A route that this term deleted as stale.</summary>
    public event Action<RouteKey>? Deleted;

    /// <summary>Learns from a table's new plan what has come of earlier calls.</summary>
    public void Observe(string tableId, IReadOnlyList<RouteAction> steps)
    {
        var now = steps.GroupBy(RouteKey.Of).ToDictionary(group => group.Key, group => group.First());
        foreach (var (key, ack) in acknowledged.Where(pair => pair.Key.TableId == tableId).ToList())
        {
            var shows = now.TryGetValue(key, out var step) && step.GetType() == ack.Step;
            if (!shows || time.GetElapsedTime(ack.At) >= ListingLag) acknowledged.Remove(key);
        }

        foreach (var (key, wish) in uncertain.Where(pair => pair.Key.TableId == tableId).ToList())
        {
            var stands = now.TryGetValue(key, out var step);
            var done = wish is RouteAction.Delete ? !stands || step is RouteAction.Wait
                : step is RouteAction.Keep or RouteAction.Mark or RouteAction.Wait;
            if (done) Acknowledge(wish, "-");
            uncertain.Remove(key);
        }

        foreach (var key in clientTokens.Keys.Where(key => key.TableId == tableId).ToList())
        {
            // A token outlives its wish only until the entry is seen: the next wish for the same route is another one.
            if (!now.TryGetValue(key, out var step) || step is not RouteAction.Create) clientTokens.Remove(key);
        }
    }

    /// <summary>Whether a call for it has succeeded, and only the listing does not show it yet.</summary>
    public bool IsOnItsWay(RouteAction step) =>
        acknowledged.TryGetValue(RouteKey.Of(step), out var ack) && ack.Step == step.GetType() && time.GetElapsedTime(ack.At) < ListingLag;

    /// <summary>The next call; null when there is nothing to do now. Creating heals most with one call and comes first, one re-pointing
    /// after each so that neither starves the other; marking and deleting wait for both.</summary>
    /// <param name="deletable">The deletions of the plan that may be done now.</param>
    public RouteWrite? Choose(
        IReadOnlyList<RouteAction> plan, Func<RouteAction.Create, bool> isRefused, Func<RouteAction.Create, bool> fitsBatch,
        IReadOnlyList<RouteAction.Delete> deletable)
    {
        bool IsOpen(RouteAction step) => !troubles.Blocks(step) && !IsOnItsWay(step);
        var creates = plan.OfType<RouteAction.Create>().Where(step => IsOpen(step) && !isRefused(step)).ToList();
        var rePoint = plan.OfType<RouteAction.Update>().FirstOrDefault(IsOpen);
        if (rePoint is not null && (creates.Count == 0 || lastKind == typeof(RouteAction.Create))) return new RouteWrite.UpdateOne(rePoint);
        if (creates.Count > 0) return batches.Next(creates, fitsBatch);
        if (!plan.Any(step => step is RouteAction.Create)) batches.Rest();
        var deletes = deletable.Where(IsOpen).Take(deletions.Current).ToList();
        if (deletes.Count > 0) return new RouteWrite.DeleteMany(deletes);
        if (deletable.Count == 0) deletions.Reset();
        var unmarked = plan.OfType<RouteAction.Mark>().FirstOrDefault(step => IsOpen(step) && MayBeMarked(step));
        return unmarked is null ? null : new RouteWrite.MarkOne(unmarked);
    }

    /// <summary>Makes the call. What concerns single routes is put down as their trouble; the error that is returned concerns the VPC as a
    /// whole (busy, throttled, no answer, denied), and is null when there is none.</summary>
    public async Task<CloudError?> WriteAsync(RouteWrite write, CancellationToken cancellation)
    {
        lastKind = write.Steps[0].GetType();
        hasFailed = false;
        HasShrunk = false;
        var error = write switch
        {
            RouteWrite.CreateMany many => await CreateManyAsync(many, cancellation),
            RouteWrite.CreateOne one => await CreateOneAsync(one.Route, cancellation),
            RouteWrite.UpdateOne one => await RePointAsync(one.Route, cancellation),
            RouteWrite.MarkOne one => await MarkAsync(one.Route, cancellation),
            RouteWrite.DeleteMany many => await DeleteAsync(many, cancellation),
            _ => throw new InvalidOperationException($"no such write: {write}"),
        };
        Counts += new WriteCounts(0, 0, 0, 1, hasFailed ? 1 : 0);
        return error;
    }

    private async Task<CloudError?> CreateManyAsync(RouteWrite.CreateMany write, CancellationToken cancellation)
    {
        var entries = write.Routes.Select(NewEntry).ToList();
        var answer = await api.CreateRouteEntriesAsync(vpc.RegionId, entries, cancellation);
        if (answer.Error is { } error)
        {
            hasFailed = true;
            if (RouteErrors.IsTooLong(error) && write.Routes.Count > 1) return Shorten(write, error);
            if (RouteErrors.ConcernsAll(error)) return Uncertain(write, error, batches.Size);
            if (error.Kind == CloudErrorKind.Denied)
            {
                if (batches.Denied()) RouteControllerLog.BatchDenied(log, vpc, error.DeniedAction ?? "vpc:CreateRouteEntries", error.RequestId);
                return null;
            }

            batches.Refused(write.Routes.Count);
            RouteControllerLog.BatchRefused(log, vpc, write.Routes.Count, error.Code, error.Message, error.RequestId);
            return null;
        }

        batches.Done(write.Routes.Count);
        Settle(write, answer.Value!, answer.RequestId);
        return null;
    }

    /// <summary>Concludes for each route of a batch whether it was created, from the failures that the answer names.</summary>
    private void Settle(RouteWrite.CreateMany write, BatchResult outcome, string requestId)
    {
        var tablesOf = write.Routes.ToLookup(route => route.Destination);
        var failed = new Dictionary<Ipv4Network, CloudError>();
        CloudError? unnamed = null;
        foreach (var failure in outcome.Failures)
        {
            if (write.Routes.Count == 1) failed.TryAdd(write.Routes[0].Destination, failure.Error);
            else if (failure.Destination is { } destination && tablesOf.Contains(destination)) failed.TryAdd(destination, failure.Error);
            else unnamed = failure.Error;
        }

        foreach (var route in write.Routes)
        {
            if (!failed.TryGetValue(route.Destination, out var reason))
            {
                if (unnamed is null) Acknowledge(route, requestId);
                else uncertain[RouteKey.Of(route)] = route;
            }
            else if (tablesOf[route.Destination].Count() == 1) Fail(route, Named(reason, requestId));
            // In which table it failed the answer does not say: the next listing shows what was done, and the rest goes apart.
            else batches.KeepApart(route.Destination);
        }

        if (unnamed is not null) RefuseUnnamed(write, unnamed, requestId, batches.Refused);
    }

    /// <summary>An answer counts a failure and does not name its entry: the next listing shows what was done, and smaller batches isolate
    /// the entry.</summary>
    private void RefuseUnnamed(RouteWrite write, CloudError unnamed, string requestId, Action<int> refused)
    {
        hasFailed = true;
        refused(write.Steps.Count);
        RouteControllerLog.BatchRefused(log, vpc, write.Steps.Count, unnamed.Code, unnamed.Message, requestId);
    }

    private async Task<CloudError?> CreateOneAsync(RouteAction.Create route, CancellationToken cancellation)
    {
        var key = RouteKey.Of(route);
        if (!clientTokens.TryGetValue(key, out var token)) clientTokens.Add(key, token = NewClientToken(route));
        var answer = await api.CreateRouteEntryAsync(vpc.RegionId, NewEntry(route), token, cancellation);
        if (answer.Error is { } error)
        {
            hasFailed = true;
            if (RouteErrors.ConcernsAll(error)) return Uncertain(new RouteWrite.CreateOne(route), error);
            clientTokens.Remove(key);
            batches.SingleFailed();
            Fail(route, error);
            return error.Kind == CloudErrorKind.Denied ? error : null;
        }

        batches.SingleDone();
        clientTokens.Remove(key);
        Acknowledge(route, answer.RequestId);
        return null;
    }

    /// <summary>Whether the mark was not written to this entry before, or long ago.</summary>
    private bool MayBeMarked(RouteAction.Mark step) =>
        !marked.TryGetValue(step.Entry.RouteEntryId, out var at) || time.GetElapsedTime(at) >= MarkInterval;

    /// <summary>Name and description alone: with an unchanged next hop the API would refuse the call
    /// (OperationDenied.NextHopNotChanged).</summary>
    private async Task<CloudError?> MarkAsync(RouteAction.Mark route, CancellationToken cancellation)
    {
        var answer = await api.ModifyRouteEntryAsync(
            vpc.RegionId, route.Entry, null, mark.Token, mark.DescriptionFor(route.Entry), cancellation);
        if (answer.Error is not { } error)
        {
            marked[route.Entry.RouteEntryId] = time.GetTimestamp();
            Acknowledge(route, answer.RequestId);
            return null;
        }

        hasFailed = true;
        if (RouteErrors.ConcernsAll(error)) return error;
        // The route works without its mark: the failure is neither the node's nor the VPC's.
        Fail(route, error);
        return null;
    }

    private async Task<CloudError?> RePointAsync(RouteAction.Update route, CancellationToken cancellation)
    {
        var answer = await api.ModifyRouteEntryAsync(
            vpc.RegionId, route.Entry, route.Wanted.NextHop, mark.Token, mark.Description, cancellation);
        if (answer.Error is { } error)
        {
            hasFailed = true;
            if (RouteErrors.ConcernsAll(error)) return Uncertain(new RouteWrite.UpdateOne(route), error);
            Fail(route, error);
            return error.Kind == CloudErrorKind.Denied ? error : null;
        }

        Acknowledge(route, answer.RequestId);
        return null;
    }

    private async Task<CloudError?> DeleteAsync(RouteWrite.DeleteMany write, CancellationToken cancellation)
    {
        var answer = await api.DeleteRouteEntriesAsync(vpc.RegionId, [.. write.Routes.Select(route => route.Entry)], cancellation);
        if (answer.Error is { } error)
        {
            hasFailed = true;
            if (RouteErrors.IsTooLong(error) && write.Routes.Count > 1) return Shorten(write, error);
            if (RouteErrors.ConcernsAll(error)) return Uncertain(write, error, deletions);
            foreach (var route in write.Routes) Fail(route, error);
            return null;
        }

        deletions.Answered(write.Routes.Count);
        Settle(write, answer.Value!, answer.RequestId);
        return null;
    }

    private void Settle(RouteWrite.DeleteMany write, BatchResult outcome, string requestId)
    {
        bool Names(BatchFailure failure, RouteAction.Delete route) => write.Routes.Count == 1
            || failure.RouteEntryId == route.Entry.RouteEntryId
            || (string.IsNullOrEmpty(failure.RouteEntryId) && failure.Destination == route.Destination);

        var unnamed = outcome.Failures.FirstOrDefault(failure => !write.Routes.Any(route => Names(failure, route)))?.Error;
        foreach (var route in write.Routes)
        {
            if (outcome.Failures.FirstOrDefault(failure => Names(failure, route)) is { } own) Fail(route, Named(own.Error, requestId));
            else if (unnamed is null) Acknowledge(route, requestId);
            else uncertain[RouteKey.Of(route)] = route;
        }

        if (unnamed is not null) RefuseUnnamed(write, unnamed, requestId, deletions.Refused);
    }

    private CloudError? Shorten(RouteWrite write, CloudError error)
    {
        batches.Size.Shorten(write.Steps.Count);
        deletions.Shorten(write.Steps.Count);
        RouteControllerLog.BatchRefused(log, vpc, write.Steps.Count, error.Code, error.Message, error.RequestId);
        return null;
    }

    /// <summary>A failure inside a batch goes by the request id of the whole.</summary>
    private static CloudError Named(CloudError error, string requestId) => error.RequestId.Length > 0 ? error : error with { RequestId = requestId };

    /// <param name="size">Of the batch; null for a single call.</param>
    private CloudError Uncertain(RouteWrite write, CloudError error, BatchSize? size = null)
    {
        foreach (var step in write.Steps) uncertain[RouteKey.Of(step)] = step;
        HasShrunk = size is not null && RouteErrors.MayBeCausedBySize(error) && size.Unanswered(write.Steps.Count);
        if (HasShrunk) RouteControllerLog.BatchUnanswered(log, vpc, write.Steps.Count, size!.Current, error.Code, error.Message, error.RequestNote);
        return error;
    }

    private void Fail(RouteAction step, CloudError error)
    {
        var trouble = troubles.Fail(step, error);
        // What the next reading most likely settles is worth a line only if it does not.
        var worthALine = error.Kind is CloudErrorKind.AlreadyDone or CloudErrorKind.Reread or CloudErrorKind.Retry ? 3 : 1;
        if (trouble.Count != worthALine || !ReferenceEquals(trouble.Step, step)) return;
        RouteControllerLog.RouteFailed(log, step.RouteTableId, step.Destination, error.Kind, error.Code, error.Message, error.RequestNote);
    }

    private void Acknowledge(RouteAction step, string requestId)
    {
        acknowledged[RouteKey.Of(step)] = new Acknowledgement(step.GetType(), time.GetTimestamp());
        switch (step)
        {
            case RouteAction.Create create:
                Counts += new WriteCounts(1, 0, 0, 0, 0);
                RouteControllerLog.RouteCreated(log, create.RouteTableId, create.Destination, create.Wanted.NextHop.Id, requestId);
                break;
            case RouteAction.Update rePoint:
                Counts += new WriteCounts(0, 1, 0, 0, 0);
                var before = string.Join(' ', rePoint.Entry.NextHops.Select(hop => hop.Id));
                RouteControllerLog.RouteRePointed(log, rePoint.RouteTableId, rePoint.Destination, before, rePoint.Wanted.NextHop.Id, requestId);
                break;
            case RouteAction.Delete delete:
                Counts += new WriteCounts(0, 0, 1, 0, 0);
                var hop = string.Join(' ', delete.Entry.NextHops.Select(hop => hop.Id));
                RouteControllerLog.RouteDeleted(log, delete.RouteTableId, delete.Destination, hop, requestId);
                Deleted?.Invoke(RouteKey.Of(delete));
                break;
            case RouteAction.Mark marking:
                RouteControllerLog.RouteMarked(
                    log, marking.RouteTableId, marking.Destination, marking.Wanted.NextHop.Id,
                    OwnershipMark.TokenOf(marking.Entry) ?? "-", requestId);
                break;
        }
    }

    private NewRouteEntry NewEntry(RouteAction.Create route) =>
        new(route.RouteTableId, route.Destination, route.Wanted.NextHop, mark.Token, mark.Description);

    /// <summary>Tells one wish from the next for the same route, but is the same for every repetition of one.</summary>
    private string NewClientToken(RouteAction.Create route)
    {
        var text = $"{route.RouteTableId} {route.Destination} {route.Wanted.NextHop} {route.Wanted.Lease.CreateRevision} {random.NextInt64():x}";
        return Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(text)))[..48];
    }
}
