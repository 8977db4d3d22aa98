using Flannel.AliCloud.Http;
using Flannel.AliCloud.Quotas;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Observation;

/// <summary>How many entries a route table of the VPC may hold, and a warning before one is full. The limit is the number at which the API
/// rejected an entry; else what the Quotas API says, if it may be called; else the default of every account. It is read in the background,
/// so that nothing waits for it.</summary>
internal sealed class RouteQuota(VpcContext context)
{
    /// <summary>In percent of the limit. A request for more quota may take days.</summary>
    private const int WarnFrom = 80;

    /// <summary>In percent of the limit. Only below this the next warning is possible.</summary>
    private const int WarnAgainBelow = 75;

    private static readonly TimeSpan ReadInterval = TimeSpan.FromHours(12);

    /// <summary>An operator may have raised the quota.</summary>
    private static readonly TimeSpan ReadIntervalWhenFull = TimeSpan.FromMinutes(10);

    private readonly Dictionary<string, int> rejectedAt = [];
    private readonly HashSet<string> warned = [];
    private int? granted;
    private Task reading = Task.CompletedTask;
    private volatile CloudResult<RouteEntryQuota>? receivedQuota;
    private long? readAt;
    private bool isAssumptionLogged;

    /// <summary>Whether the Quotas API has responded, perhaps with an error: before that the limit is a guess.</summary>
    public bool HasResponse { get; private set; }

    public int LimitOf(string tableId) => rejectedAt.TryGetValue(tableId, out var entries) ? entries : granted ?? RouteEntryQuota.Default;

    /// <summary>Records the number of entries in each table of a plan, and whether it is full.</summary>
    public void Observe(VpcPlan plan, RouteFailures failures)
    {
        foreach (var table in plan.Tables) Observe(table.Table.Id, table.Table.CustomEntries, failures.IsFull(table.Table.Id));
        RetainTables(plan.TableIds);
    }

    /// <param name="entries">The number of custom entries that the table holds now.</param>
    /// <param name="isFull">Whether the API has rejected another one, and routes are still desired.</param>
    public void Observe(string tableId, int entries, bool isFull)
    {
        ApplyReceivedQuota();
        var wasRejected = rejectedAt.TryGetValue(tableId, out var rejected);
        if (isFull && (!wasRejected || entries > rejected)) rejectedAt[tableId] = entries;
        else if (!isFull && entries > rejected) rejectedAt.Remove(tableId); // the API has accepted more since
        var limit = LimitOf(tableId);
        var percent = limit > 0 ? entries * 100L / limit : 100;
        if (percent < WarnAgainBelow) warned.Remove(tableId);
        else if (percent >= WarnFrom && warned.Add(tableId))
            RouteControllerLog.TableFillsUp(context.Log, context.Vpc, tableId, entries, limit, RouteFailures.QuotaRemedy);
    }

    /// <summary>Forgets the tables that are not observed any more.</summary>
    public void RetainTables(IEnumerable<string> tableIds)
    {
        var ids = tableIds.ToHashSet();
        warned.RemoveWhere(id => !ids.Contains(id));
        foreach (var gone in rejectedAt.Keys.Where(id => !ids.Contains(id)).ToList()) rejectedAt.Remove(gone);
    }

    /// <summary>Starts to read the limit if that is due; a later pass applies the result. Throws what the last read threw.</summary>
    public async Task StartReadIfDueAsync(CancellationToken cancellation)
    {
        if (!reading.IsCompleted) return;
        await reading;
        if (readAt is { } at && context.Time.GetElapsedTime(at) < (rejectedAt.Count > 0 ? ReadIntervalWhenFull : ReadInterval)) return;
        readAt = context.Time.GetTimestamp();
        reading = ReadAsync(cancellation);
    }

    private async Task ReadAsync(CancellationToken cancellation)
    {
        try
        {
            receivedQuota = await context.Api.GetRouteEntryQuotaAsync(context.RegionId, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The term is over.
        }
    }

    /// <summary>Runs on the VPC's own loop: the response may arrive on another thread.</summary>
    private void ApplyReceivedQuota()
    {
        if (receivedQuota is not { } result) return;
        receivedQuota = null;
        HasResponse = true;
        if (result.Error is { } error)
        {
            if (!isAssumptionLogged)
            {
                RouteControllerLog.LimitAssumed(
                    context.Log, context.Vpc, granted ?? RouteEntryQuota.Default, error.DeniedAction ?? error.Code, error.Message,
                    error.RequestNote);
            }

            isAssumptionLogged = true;
            return;
        }

        if (result.Value!.Total == granted) return;
        // The limit was changed: earlier rejections prove nothing about the new one.
        granted = result.Value.Total;
        rejectedAt.Clear();
        RouteControllerLog.LimitKnown(context.Log, context.Vpc, granted);
    }
}
