using Flannel.AliCloud.Http;
using Flannel.Core.Leases;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Observation;

/// <summary>Reads the route tables of a VPC and their entries, as far as they are not current, and creates the observation
/// that a pass plans from.</summary>
internal sealed class VpcObserver(
    VpcContext context, VpcTables tables, VpcEntries entries, TakeoverTracker takeovers, VpcFailures failures, DeadlineSchedule schedule)
{
    /// <summary>How soon a vSwitch that could not be read is read again.</summary>
    private static readonly TimeSpan VSwitchRetry = TimeSpan.FromSeconds(2);

    private DesiredVpcState? last;
    private bool mustReadOthers = true;
    private long vSwitchesReadAt;

    /// <summary>Whether the last <see cref="ReadAsync"/> read entries.</summary>
    public bool HasRead { get; private set; }

    /// <summary>The next <see cref="ReadAsync"/> reads everything again.</summary>
    /// <param name="isFull">Also the tables that serve no node.</param>
    public void Invalidate(bool isFull)
    {
        tables.Invalidate();
        entries.Refresh(tables.Serving);
        if (!isFull) return;
        mustReadOthers = true;
        entries.Refresh(tables.Others);
    }

    public async Task ReadAsync(DesiredVpcState desired, CancellationToken cancellation)
    {
        HasRead = false;
        if (tables.HasUnresolvedVSwitches && context.Time.GetElapsedTime(vSwitchesReadAt) >= VSwitchRetry)
            tables.ForgetUnresolvedVSwitches();
        if (schedule.IsPending(Deadline.Read)) return;
        var isListed = false;
        if (!tables.IsCurrent(desired) && !(tables.Knows(desired) && schedule.IsPending(Deadline.TableList)))
        {
            isListed = await ListTablesAsync(desired, cancellation);
            if (!isListed && !tables.Knows(desired)) return;
        }

        InvalidateNewLeases(desired);
        await ReadEntriesAsync(isListed, cancellation);
    }

    /// <summary>The tables as they were last read. A table that was never read is missing.</summary>
    public VpcObservation Observe(DesiredVpcState desired)
    {
        takeovers.Begin();
        var observed = new List<ObservedTable>();
        foreach (var id in tables.Serving.Concat(tables.Others))
        {
            if (entries.Of(id) is not { } known) continue;
            var hasError = failures.Tables.ErrorOf(id) is not null;
            var reclaimed = takeovers.Observe(known, desired);
            observed.Add(new ObservedTable(id, tables.Serving.Contains(id), hasError, known, reclaimed) { IsStale = entries.IsStale(id) });
        }

        takeovers.End(desired);
        return new VpcObservation(desired, observed);
    }

    /// <summary>Whether the tables of all nodes are known.</summary>
    public bool Knows(DesiredVpcState desired) => tables.Knows(desired);

    public void Schedule()
    {
        schedule.SetOrRemove(Deadline.Table, schedule.IsPending(Deadline.Read) ? null : entries.NextRetry());
        schedule.SetOrRemove(Deadline.VSwitch, tables.HasUnresolvedVSwitches ? VSwitchRetry : null);
    }

    /// <summary>The destinations of new leases are read again if their entries are too old to write a route from, or seem to have it
    /// already: that entry may have been deleted since the last read, because no lease held its destination.</summary>
    private void InvalidateNewLeases(DesiredVpcState desired)
    {
        // Most passes follow no change of the leases.
        if (ReferenceEquals(desired, last)) return;
        var known = (last?.RoutesOfNodes ?? []).Select(HoldingKey.Of).ToHashSet();
        last = desired;
        var added = desired.RoutesOfNodes.Where(route => !known.Contains(HoldingKey.Of(route)))
            .Select(route => route.Destination).ToHashSet();
        if (added.Count == 0) return;
        // A stale table is read completely in any case.
        foreach (var id in tables.Serving.Where(id => !entries.IsStale(id) && entries.Of(id) is not null))
        {
            List<RouteKey> keys = [.. added.Select(destination => new RouteKey(id, destination))];
            var isUsed = entries.Of(id)!.Any(entry => entry.Destination is { } used && added.Contains(used));
            if (!isUsed && entries.AreFresh(keys)) continue;
            foreach (var key in keys) entries.Invalidate(key, ExpectedEntry.AsBefore);
        }
    }

    /// <returns>False if the list failed.</returns>
    private async Task<bool> ListTablesAsync(DesiredVpcState desired, CancellationToken cancellation)
    {
        vSwitchesReadAt = context.Time.GetTimestamp();
        var error = await tables.RefreshAsync(desired, cancellation);
        if (error is null) failures.RecoverTableList();
        // Without the permission to read any table the VPC is not usable.
        else if (!tables.Knows(desired) || (error.Kind == CloudErrorKind.Denied && tables.Serving.Count == 0)) failures.FailRead(error);
        else failures.FailTableList(error);
        return error is null;
    }

    private async Task ReadEntriesAsync(bool isListed, CancellationToken cancellation)
    {
        // Tables that serve no node are read at every full resync, and in between only those in which something was found.
        entries.SetTables(tables.Serving.Concat(tables.Others.Where(id => mustReadOthers || entries.Of(id) is not null)));
        mustReadOthers = false;
        var result = await entries.ReadAsync(cancellation);
        HasRead = result.Count > 0;
        foreach (var (tableId, error) in result.Errors) Handle(tableId, error);
        var failing = tables.Serving.Where(id => failures.Tables.ErrorOf(id) is not null).ToList();
        var failed = result.Errors.FirstOrDefault(error => failing.Contains(error.TableId));
        if (failed is not null && failing.Count == tables.Serving.Count) failures.FailRead(failed.Error);
        else if ((isListed || result.Count > 0) && failing.Count == 0 && tables.Serving.Count > 0) failures.RecoverReads();
    }

    private void Handle(string tableId, CloudError error)
    {
        var isServing = tables.Serving.Contains(tableId);
        if (isServing || error.Kind == CloudErrorKind.Fatal)
            RouteControllerLog.TableUnreadable(context.Log, context.Vpc, tableId, error.Code, error.Message, error.RequestNote);
        if (isServing)
        {
            // Perhaps its vSwitches have another table now: the next list shows it. Until then the table counts, so that its nodes are not
            // reported as available.
            if (error.Kind == CloudErrorKind.Fatal) tables.Invalidate();
            return;
        }

        // Not readable as a route table, or not permitted and not needed: ignored until the next list.
        if (error.Kind is CloudErrorKind.Fatal or CloudErrorKind.Denied) tables.Drop(tableId);
    }

    /// <summary>A lease that ended and was acquired again has another one.</summary>
    private sealed record HoldingKey(string Key, LeaseIdentity Lease, bool IsIpv6)
    {
        public static HoldingKey Of(DesiredRoute route) => new(route.Key, route.Lease.Identity, route.IsIpv6);
    }
}
