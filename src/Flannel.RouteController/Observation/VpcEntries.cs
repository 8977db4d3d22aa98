using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Infrastructure;

namespace Flannel.RouteController.Observation;

/// <summary>The entries of a VPC's route tables as they were last read.</summary>
internal sealed class VpcEntries(VpcContext context, TableFailures failures)
{
    /// <summary>A write is planned from entries that were received not longer ago.</summary>
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(3) - ReadAheadCloudApi.MaxAge;

    private readonly Dictionary<string, Table> tables = [];

    private sealed class Table(string id)
    {
        public string Id => id;
        public IReadOnlyList<RouteEntry>? Entries { get; set; }
        public bool IsStale { get; set; } = true;
        public long ReadAt { get; set; }
    }

    /// <summary>Sets the tables to read. Others are forgotten.</summary>
    public void SetTables(IEnumerable<string> tableIds)
    {
        var ids = tableIds.ToHashSet();
        foreach (var gone in tables.Keys.Where(id => !ids.Contains(id)).ToList()) tables.Remove(gone);
        foreach (var id in ids) tables.TryAdd(id, new Table(id));
        failures.RetainTables(ids);
    }

    /// <summary>Null while the table has not been read.</summary>
    public IReadOnlyList<RouteEntry>? Of(string tableId) => tables.GetValueOrDefault(tableId)?.Entries;

    public int CustomEntriesOf(string tableId) => Of(tableId)?.Count(entry => entry.IsCustom) ?? 0;

    /// <summary>Whether the next <see cref="ReadAsync"/> reads the table, if it may be read then.</summary>
    public bool IsStale(string tableId) => tables.TryGetValue(tableId, out var table) && table.IsStale;

    /// <summary>The next <see cref="ReadAsync"/> reads these tables.</summary>
    public void Invalidate(IEnumerable<string> tableIds)
    {
        foreach (var id in tableIds)
        {
            if (tables.TryGetValue(id, out var table)) table.IsStale = true;
        }
    }

    /// <summary>Whether all of them were read just now, without an error.</summary>
    public bool AreFresh(IEnumerable<string> tableIds) => tableIds.All(id =>
        tables.TryGetValue(id, out var table) && !table.IsStale && failures.ErrorOf(id) is null
        && context.Time.GetElapsedTime(table.ReadAt) < Freshness);

    /// <summary>Whether all of them are among the tables to read.</summary>
    public bool AreRead(IEnumerable<string> tableIds) => tableIds.All(tables.ContainsKey);

    /// <summary>Reads the stale tables that may be read now.</summary>
    public async Task<TableReadResult> ReadAsync(CancellationToken cancellation)
    {
        var due = tables.Values.Where(table => table.IsStale && failures.MayRead(table.Id)).ToList();
        var results = await Task.WhenAll(
            due.Select(table => context.Api.DescribeRouteEntryListAsync(context.RegionId, table.Id, cancellation)));
        // Not in the tasks: they may complete on several threads, and neither a table nor Random is thread-safe.
        var errors = new List<TableError>();
        for (var i = 0; i < due.Count; i++)
        {
            if (results[i].Error is { } error)
            {
                failures.Fail(due[i].Id, error);
                errors.Add(new TableError(due[i].Id, error));
            }
            else Store(due[i], results[i].Value);
        }

        return new TableReadResult(due.Count, errors);
    }

    /// <summary>The time until a table that could not be read is read again; null if there is none.</summary>
    public TimeSpan? NextRetry() => failures.NextRetry(tables.Values.Where(table => table.IsStale).Select(table => table.Id));

    private void Store(Table table, IReadOnlyList<RouteEntry>? entries)
    {
        table.Entries = entries;
        table.ReadAt = context.Time.GetTimestamp();
        table.IsStale = false;
        failures.Recover(table.Id);
    }
}

/// <param name="Count">How many tables were read, with or without an error.</param>
internal sealed record TableReadResult(int Count, IReadOnlyList<TableError> Errors);

internal sealed record TableError(string TableId, CloudError Error);
