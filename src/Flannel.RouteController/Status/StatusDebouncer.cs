using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Status;

/// <summary>Turns the state of a node's route into the status to publish. It holds changes back that are likely to be reverted: an
/// available route stays available while it is being repaired or cannot be read, one that could not be created keeps its state until a new
/// term has tried it, and a new route waits briefly for its interface's check.</summary>
internal sealed class StatusDebouncer(StatusDelays delays, PublishedStatusCache published, TimeProvider time)
{
    private readonly Dictionary<HoldingKey, Condition> conditions = [];
    private readonly Dictionary<string, RouteStatus> latest = [];

    /// <summary>One holding of a subnet.</summary>
    private sealed record HoldingKey(string Key, LeaseIdentity Lease)
    {
        public static HoldingKey Of(DesiredRoute node) => new(node.Key, node.Lease.Identity);
    }

    private sealed record Condition(bool IsInAllTables, long Since);

    /// <summary>The time until a status that is held back is due; null if none is.</summary>
    public TimeSpan? NextDue { get; private set; }

    /// <summary>The newest status of each node, published or about to be.</summary>
    public IReadOnlyList<RouteStatus> Latest => [.. latest.Values];

    /// <summary>Called before the nodes of one pass.</summary>
    public void Begin(DesiredVpcState desired)
    {
        NextDue = null;
        var holdings = desired.Nodes.Select(HoldingKey.Of).ToHashSet();
        foreach (var gone in conditions.Keys.Where(key => !holdings.Contains(key)).ToList()) conditions.Remove(gone);
        var keys = desired.NodesWithLease.Concat(desired.Unroutable.Select(unroutable => unroutable.Node))
            .Select(node => node.Key).ToHashSet();
        foreach (var gone in latest.Keys.Where(key => !keys.Contains(key)).ToList()) latest.Remove(gone);
    }

    public RouteStatusUpdate Unroutable(UnroutableNode unroutable) =>
        Status(unroutable.Node, [], new(RouteState.Rejected, unroutable.Reason, ""));

    /// <param name="isGone">Whether no table has the route any more.</param>
    public RouteStatusUpdate Released(DesiredRoute node, bool isGone, string requestId) =>
        Status(node, [], new(isGone ? RouteState.Released : RouteState.Pending, isGone ? "" : "the route is being deleted", requestId));

    /// <param name="isCheckKnown">Whether the source/destination check of the node's interface is known.</param>
    public RouteStatusUpdate Of(DesiredRoute node, NodeRouteState state, bool isCheckKnown)
    {
        var reason = state.Reason();
        var tables = state.Tables.Select(table => table.TableId).ToList();
        var available = published.Of(node) is { State: RouteState.Available } known ? known : null;
        var elapsed = Elapsed(node, state.IsInAllTables);
        if (reason.State == RouteState.Available && !isCheckKnown)
        {
            if (available is not null) return RecordLatest(node, available);
            if (IsHeld(delays.InterfaceCheck - elapsed))
                return Status(node, tables, reason with { State = RouteState.Pending, Message = "" });
        }

        if (reason.State != RouteState.Available && available is not null && !state.IsStuck)
        {
            var isMissing = state.Tables.Any(table => table.Action is not null && !table.HasRoute);
            if (!isMissing || IsHeld(delays.Repair - elapsed)) return RecordLatest(node, available);
        }

        // A new term has tried nothing yet. Nodes that start now need the state that began the fallback.
        if (reason.State is RouteState.Pending or RouteState.Unreachable && published.Of(node) is { } failed
            && RouteFallback.Next(last: false, failed))
            return RecordLatest(node, failed);
        return Status(node, tables, reason, state.ByTable(reason));
    }

    private bool IsHeld(TimeSpan left)
    {
        if (left <= TimeSpan.Zero) return false;
        if (NextDue is null || left < NextDue) NextDue = left;
        return true;
    }

    /// <summary>How long the route has been in all tables, or missing in one of them.</summary>
    private TimeSpan Elapsed(DesiredRoute node, bool isInAllTables)
    {
        var key = HoldingKey.Of(node);
        if (!conditions.TryGetValue(key, out var known) || known.IsInAllTables != isInAllTables)
            conditions[key] = known = new Condition(isInAllTables, time.GetTimestamp());
        return time.GetElapsedTime(known.Since);
    }

    private RouteStatusUpdate RecordLatest(DesiredRoute node, RouteStatus status)
    {
        latest[node.Key] = status;
        return new(node.Lease, status);
    }

    private RouteStatusUpdate Status(
        DesiredRoute node, IReadOnlyList<string> tables, RouteStateReason reason, IReadOnlyList<TableRouteStatus>? byTable = null)
    {
        var status = new RouteStatus(
            node.Destination.ToString(), node.Node.InstanceId, tables, reason.State, reason.Message, reason.RequestId, time.GetUtcNow())
        {
            Tables = byTable,
        };
        if (latest.TryGetValue(node.Key, out var before) && before.HasSameContentAs(status)) status = before;
        return RecordLatest(node, status);
    }
}

/// <summary>How long changes of a status are held back.</summary>
/// <param name="Repair">How long an available route stays available while it is being repaired.</param>
/// <param name="InterfaceCheck">How long a new route waits until the source/destination check of its interface is known.</param>
internal sealed record StatusDelays(TimeSpan Repair, TimeSpan InterfaceCheck);
