using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Quotas;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Observation;

/// <summary>How full the route tables of a VPC are, and a warning while there is still time. The limit is what the API itself refused to go beyond; else
/// what the Quotas API says, where it may be asked; else what every account has. Asked for beside the routes, so that it holds nothing up.</summary>
internal sealed class RouteQuota(VpcId vpc, ICloudApi api, TimeProvider time, ILogger log)
{
    public const string WhatToDo =
        "ask for more of quota " + RouteEntryQuota.Code + " (product vpc, https://quotas.console.alibabacloud.com), or use the vxlan backend";

    /// <summary>In hundredths of the limit: a request for more quota may take days. The warning comes back once there was less than the second.</summary>
    private const int WarnFrom = 80;
    private const int WarnAgainBelow = 75;

    private static readonly TimeSpan AskEvery = TimeSpan.FromHours(12);

    /// <summary>A table that is full is worth another look: somebody may have been given more.</summary>
    private static readonly TimeSpan AskAgainWhenFull = TimeSpan.FromMinutes(10);

    private readonly Dictionary<string, int> refusedAt = [];
    private readonly HashSet<string> warned = [];
    private int? granted;
    private Task asking = Task.CompletedTask;
    private volatile CloudResult<RouteEntryQuota>? arrived;
    private long? askedAt;
    private bool told;

    public int LimitOf(string tableId) => refusedAt.TryGetValue(tableId, out var entries) ? entries : granted ?? RouteEntryQuota.Default;

    /// <param name="entries">Custom ones that the table holds now.</param>
    /// <param name="isFull">The API has refused another, and routes are still wanted.</param>
    public void Observe(string tableId, int entries, bool isFull)
    {
        TakeAnswer();
        var hasRefused = refusedAt.TryGetValue(tableId, out var refused);
        if (isFull && (!hasRefused || entries > refused)) refusedAt[tableId] = entries;
        else if (!isFull && entries > refused) refusedAt.Remove(tableId); // it took more since
        var limit = LimitOf(tableId);
        var hundredths = limit > 0 ? entries * 100L / limit : 100;
        if (hundredths < WarnAgainBelow) warned.Remove(tableId);
        else if (hundredths >= WarnFrom && warned.Add(tableId)) RouteControllerLog.TableFillsUp(log, vpc, tableId, entries, limit, WhatToDo);
    }

    /// <summary>Tables that are gone.</summary>
    public void Keep(IReadOnlyCollection<string> tableIds)
    {
        warned.RemoveWhere(id => !tableIds.Contains(id));
        foreach (var gone in refusedAt.Keys.Where(id => !tableIds.Contains(id)).ToList()) refusedAt.Remove(gone);
    }

    /// <summary>Asks for the limit when it is time to; the answer is there at some later pass. Nothing waits for it. Throws what the last
    /// question has thrown.</summary>
    public async Task AskWhenDueAsync(CancellationToken cancellation)
    {
        if (!asking.IsCompleted) return;
        await asking;
        if (askedAt is { } at && time.GetElapsedTime(at) < (refusedAt.Count > 0 ? AskAgainWhenFull : AskEvery)) return;
        askedAt = time.GetTimestamp();
        asking = AskAsync(cancellation);
    }

    private async Task AskAsync(CancellationToken cancellation)
    {
        try
        {
            arrived = await api.GetRouteEntryQuotaAsync(vpc.RegionId, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The term is over.
        }
    }

    /// <summary>Here and not where the answer arrives: that is another thread than the VPC's loop.</summary>
    private void TakeAnswer()
    {
        if (arrived is not { } answer) return;
        arrived = null;
        if (answer.Error is { } error)
        {
            if (!told) RouteControllerLog.LimitAssumed(log, vpc, granted ?? RouteEntryQuota.Default, error.DeniedAction ?? error.Code, error.Message, error.RequestNote);
            told = true;
            return;
        }

        if (answer.Value!.Total == granted) return;
        // More was granted, or less: what was refused before says nothing of it.
        granted = answer.Value.Total;
        refusedAt.Clear();
        RouteControllerLog.LimitKnown(log, vpc, granted);
    }
}
