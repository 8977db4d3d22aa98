using Flannel.AliCloud.Http;
using Flannel.AliCloud.Quotas;
using Flannel.Core;
using Flannel.Core.Routes;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Failures;

/// <summary>The routes whose write failed, each with its own back-off, so that none delays another; and the tables that accept no new
/// entry, because they are full or have no IPv6, which is one failure for all the routes that they lack.</summary>
internal sealed class RouteFailures(TimeProvider time, Random random, ILogger log)
{
    /// <summary>What an operator can do about a table that is full, or will be soon.</summary>
    public const string QuotaRemedy =
        "ask for more of quota " + RouteEntryQuota.Code + " (product vpc, https://quotas.console.alibabacloud.com), "
        + "or use the vxlan backend";

    /// <summary>Up to this many rejections in a row may be caused by a listing that lags behind.</summary>
    private const int MaxRejectionsByLag = 2;

    private readonly Dictionary<RouteKey, RouteFailure> failures = [];
    private readonly Dictionary<string, RejectingTable> rejectingTables = [];
    private readonly Dictionary<string, int> customEntries = [];

    /// <param name="Failure">Of every creation in the table.</param>
    /// <param name="Entries">How many custom entries it held.</param>
    private sealed record RejectingTable(RouteFailure Failure, int Entries);

    /// <summary>Whether the API has rejected an entry of this table for the quota, and has not accepted one since.</summary>
    public bool IsFull(string tableId) => rejectingTables.TryGetValue(tableId, out var table) && table.Failure.Kind == CloudErrorKind.Quota;

    public RouteFailure? Of(RouteAction action)
    {
        if (failures.TryGetValue(RouteKey.Of(action), out var failure)) return failure;
        return action is RouteAction.Create && rejectingTables.TryGetValue(action.RouteTableId, out var table) ? table.Failure : null;
    }

    /// <summary>Whether the action failed and its back-off has not passed.</summary>
    public bool Blocks(RouteAction action) => Of(action) is { } failure && failure.RetryAt > time.GetTimestamp();

    /// <summary>Records a failure. It is logged the first time, but one that the next read most likely settles only the third
    /// time.</summary>
    public void Fail(RouteAction action, CloudError error)
    {
        var failure = Add(action, error);
        var loggedAt = error.Kind is CloudErrorKind.AlreadyDone or CloudErrorKind.Reread or CloudErrorKind.Retry ? 3 : 1;
        if (failure.Count != loggedAt || !ReferenceEquals(failure.Action, action)) return;
        RouteControllerLog.RouteFailed(
            log, action.RouteTableId, action.Destination, error.Kind, error.Code, error.Message, error.RequestNote);
    }

    /// <summary>The API has created the route: it no longer rejects the IPv6 routes of the table.</summary>
    public void Accepted(RouteAction.Create action)
    {
        if (!IsFull(action.RouteTableId)) rejectingTables.Remove(action.RouteTableId);
    }

    /// <summary>Forgets the failures that are over: the entry exists, nothing desires it any more, or the action is another one. A full
    /// table that now holds fewer entries is tried again at once.</summary>
    /// <param name="actions">The whole plan of the table.</param>
    /// <param name="entries">The number of custom entries that the table holds.</param>
    public void Observe(string tableId, IEnumerable<RouteAction> actions, int entries)
    {
        var writes = new Dictionary<RouteKey, RouteAction>();
        foreach (var action in actions)
        {
            if (action.IsWrite) writes.TryAdd(RouteKey.Of(action), action);
        }

        foreach (var (key, failure) in failures.Where(pair => pair.Key.TableId == tableId).ToList())
        {
            if (!writes.TryGetValue(key, out var write) || !IsSameWrite(write, failure.Action)) failures.Remove(key);
        }

        customEntries[tableId] = entries;
        if (!rejectingTables.TryGetValue(tableId, out var table)) return;
        if (!writes.Values.Any(action => action is RouteAction.Create)) rejectingTables.Remove(tableId);
        else if (entries < table.Entries && IsFull(tableId))
            rejectingTables[tableId] = new RejectingTable(table.Failure with { RetryAt = 0 }, entries);
        else rejectingTables[tableId] = table with { Entries = entries };
    }

    /// <summary>The time until the next retry; null if none is pending.</summary>
    public TimeSpan? NextRetry()
    {
        var now = time.GetTimestamp();
        var pending = failures.Values.Concat(rejectingTables.Values.Select(table => table.Failure))
            .Where(failure => failure.RetryAt > now).ToList();
        return pending.Count == 0 ? null : time.GetElapsedTime(now, pending.Min(failure => failure.RetryAt));
    }

    private RouteFailure Add(RouteAction action, CloudError error)
    {
        var before = Of(action);
        var isOfTable = action is RouteAction.Create
            && (error.Kind == CloudErrorKind.Quota || (action.Destination.IsV6 && Ipv6ErrorCodes.ConcernsTable(error.Code)));
        // Of a batch that one table rejects, one failure counts for all.
        if (isOfTable && before is not null && ReferenceEquals(before, FailureOfTable(action)) && Blocks(action)) return before;
        var backoff = before?.Kind == error.Kind ? before.Backoff : NewBackoff(error.Kind);
        var retryAt = time.TimestampAfter(backoff.Next(error.RetryAfter));
        var reason = ReasonFor(action, error, backoff.Failures);
        var failure = new RouteFailure(reason, error.Kind, action, retryAt, backoff.Failures, backoff);
        if (isOfTable)
        {
            rejectingTables[action.RouteTableId] = new RejectingTable(failure, customEntries.GetValueOrDefault(action.RouteTableId));
            // An older failure of the route would hide that of the table, and the route would be tried without a pause.
            failures.Remove(RouteKey.Of(action));
        }
        else failures[RouteKey.Of(action)] = failure;

        return failure;
    }

    private RouteFailure? FailureOfTable(RouteAction action) => rejectingTables.GetValueOrDefault(action.RouteTableId)?.Failure;

    private static bool IsSameWrite(RouteAction a, RouteAction? b) => (a, b) switch
    {
        (RouteAction.Create x, RouteAction.Create y) => x.Desired.NextHop == y.Desired.NextHop,
        (RouteAction.Update x, RouteAction.Update y) =>
            x.Desired.NextHop == y.Desired.NextHop && x.Entry.RouteEntryId == y.Entry.RouteEntryId,
        (RouteAction.Mark x, RouteAction.Mark y) => x.Entry.RouteEntryId == y.Entry.RouteEntryId,
        (RouteAction.Delete x, RouteAction.Delete y) => x.Entry.RouteEntryId == y.Entry.RouteEntryId,
        _ => false,
    };

    private Backoff NewBackoff(CloudErrorKind kind)
    {
        return kind switch
        {
            CloudErrorKind.Retry => New(0.5, 30),
            CloudErrorKind.Reread or CloudErrorKind.AlreadyDone => New(0.5, 300),
            CloudErrorKind.Quota => New(30, 600),
            CloudErrorKind.Unknown => New(15, 300),
            _ => New(60, 600),
        };

        Backoff New(double firstSeconds, double longestSeconds) =>
            new(TimeSpan.FromSeconds(firstSeconds), TimeSpan.FromSeconds(longestSeconds), random);
    }

    private static RouteStateReason ReasonFor(RouteAction action, CloudError error, int count)
    {
        var table = action.RouteTableId;
        return error.Kind switch
        {
            CloudErrorKind.Quota => Reason(RouteState.QuotaExceeded, $"route table {table} is full ({error.Code}): {QuotaRemedy}"),
            CloudErrorKind.Denied => Reason(RouteState.Denied, error.Denial),
            CloudErrorKind.Reread or CloudErrorKind.AlreadyDone when count > MaxRejectionsByLag => Reason(
                RouteState.Conflict,
                $"route table {table} rejects {action.Destination} and lists no entry of it: {error.Code} {error.Message}"),
            CloudErrorKind.Fatal or CloudErrorKind.Unknown => Reason(
                RouteState.Rejected, $"{table} {action.Destination}: {error.Code} {error.Message}{RemedyOf(error)}"),
            _ => Reason(RouteState.Pending, $"{table} {action.Destination}: {error.Code}; retrying"),
        };

        RouteStateReason Reason(RouteState state, string message) => new(state, message, error.RequestId) { Code = error.Code };
    }

    private static string RemedyOf(CloudError error) => Ipv6ErrorCodes.RemedyOf(error.Code) is { } remedy ? $" ({remedy})" : "";
}
