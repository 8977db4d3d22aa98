using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;
using Flannel.Core;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Observation;

/// <summary>The entries of a VPC's tables as they were last read, and how old that is.</summary>
internal sealed class VpcEntries(VpcId vpc, ICloudApi api, TimeProvider time, Random random)
{
    /// <summary>A write is planned from nothing older than this.</summary>
    private static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(3);

    private readonly Dictionary<string, Table> tables = [];

    private sealed class Table(string id, Random random)
    {
        public string Id => id;
        public IReadOnlyList<RouteEntry>? Entries { get; set; }
        public bool IsStale { get; set; } = true;
        public long ReadAt { get; set; }
        public long RetryAt { get; set; }
        public CloudError? Error { get; set; }
        public int Failures { get; set; }
        public Backoff Pauses { get; } = new(TimeSpan.FromMilliseconds(300), TimeSpan.FromSeconds(30), random);
    }

    /// <summary>Which tables to follow; others are forgotten.</summary>
    public void Follow(IEnumerable<string> tableIds)
    {
        var ids = tableIds.ToHashSet();
        foreach (var gone in tables.Keys.Where(id => !ids.Contains(id)).ToList()) tables.Remove(gone);
        foreach (var id in ids) tables.TryAdd(id, new Table(id, random));
    }

    /// <summary>Null while a table has not been read, or not since it was last changed and cannot be read now.</summary>
    public IReadOnlyList<RouteEntry>? Of(string tableId) => tables.TryGetValue(tableId, out var table) ? table.Entries : null;

    public CloudError? ErrorOf(string tableId) => tables.TryGetValue(tableId, out var table) ? table.Error : null;

    /// <summary>Whether a table was refused more than once in a way that does not heal: it does not exist, or is of another kind.</summary>
    public bool IsUnreadable(string tableId) =>
        tables.TryGetValue(tableId, out var table) && table is { Error.Kind: CloudErrorKind.Fatal, Failures: > 1 };

    public void Invalidate(IEnumerable<string> tableIds)
    {
        foreach (var id in tableIds)
        {
            if (tables.TryGetValue(id, out var table)) table.IsStale = true;
        }
    }

    /// <summary>Whether all of them were read without an error, and just now.</summary>
    public bool AreFresh(IEnumerable<string> tableIds) => tableIds.All(id =>
        tables.TryGetValue(id, out var table) && table is { IsStale: false, Error: null } && time.GetElapsedTime(table.ReadAt) < FreshFor);

    /// <summary>Whether all of them are read when they are stale.</summary>
    public bool Follows(IEnumerable<string> tableIds) => tableIds.All(tables.ContainsKey);

    /// <summary>Reads what is stale and may be tried now: how many tables that was, and the answers that were errors.</summary>
    public async Task<(int Count, IReadOnlyList<TableError> Errors)> ReadAsync(CancellationToken cancellation)
    {
        var now = time.GetTimestamp();
        var due = tables.Values.Where(table => table.IsStale && table.RetryAt <= now).ToList();
        var answers = await Task.WhenAll(due.Select(table => api.DescribeRouteEntryListAsync(vpc.RegionId, table.Id, cancellation)));
        // One after the other: the answers arrive on several threads, and neither a table nor Random is thread-safe.
        var errors = new List<TableError>();
        for (var i = 0; i < due.Count; i++)
        {
            if (Learn(due[i], answers[i]) is { } error) errors.Add(error);
        }

        return (due.Count, errors);
    }

    /// <summary>When a table that could not be read is tried again; null when none waits.</summary>
    public TimeSpan? NextRetry()
    {
        var waiting = tables.Values.Where(table => table.IsStale && table.Error is not null).ToList();
        return waiting.Count == 0 ? null : time.GetElapsedTime(time.GetTimestamp(), waiting.Min(table => table.RetryAt));
    }

    private TableError? Learn(Table table, CloudResult<IReadOnlyList<RouteEntry>> answer)
    {
        table.Error = answer.Error;
        if (answer.Error is { } error)
        {
            table.Failures++;
            var pause = table.Pauses.Next(error);
            table.RetryAt = time.GetTimestamp() + (long)(pause.TotalSeconds * time.TimestampFrequency);
            return new TableError(table.Id, error);
        }

        table.Entries = answer.Value;
        table.ReadAt = time.GetTimestamp();
        table.IsStale = false;
        table.RetryAt = 0;
        table.Failures = 0;
        table.Pauses.Reset();
        return null;
    }
}

internal sealed record TableError(string TableId, CloudError Error);
