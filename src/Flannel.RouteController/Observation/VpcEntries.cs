using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Observation;

/// <summary>The entries of a VPC's route tables as they were last read. Of a table with more than one page, the next pass reads single
/// destinations if that takes fewer calls than all pages; all pages are read in the background.
/// <c>docs/adr/0010-scale-and-failover.md</c> explains why that is safe.</summary>
/// <param name="changed">Called when a read in the background has ended.</param>
internal sealed class VpcEntries(VpcContext context, TableFailures failures, Action changed)
{
    /// <summary>A write is planned from entries that were received not longer ago: the read was sent at most 3 s ago, because a prefetched
    /// one may be older by its maximum age.</summary>
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(3) - PrefetchingCloudApi.MaxAge;

    /// <summary>A deletion follows a complete read that was received not longer ago, and a read of its own destinations.</summary>
    private static readonly TimeSpan CompleteFreshness = TimeSpan.FromSeconds(10);

    private readonly TableReader reader = new(context);
    private readonly Dictionary<string, TableEntries> tables = [];
    private BackgroundRead? background;

    private sealed class BackgroundRead(IReadOnlyList<TableEntries> tables, long began)
    {
        private volatile TableRead[]? results;

        public IReadOnlyList<TableEntries> Tables => tables;

        /// <summary>When the requests were sent.</summary>
        public long Began => began;

        /// <summary>Null until the read has ended.</summary>
        public TableRead[]? Results
        {
            get => results;
            set => results = value;
        }

        public Task Running { get; set; } = Task.CompletedTask;
    }

    /// <summary>Sets the tables to read. Others are forgotten.</summary>
    public void SetTables(IEnumerable<string> tableIds)
    {
        var ids = tableIds.ToHashSet();
        foreach (var gone in tables.Keys.Where(id => !ids.Contains(id)).ToList()) tables.Remove(gone);
        foreach (var id in ids) tables.TryAdd(id, new TableEntries(id));
        failures.RetainTables(ids);
    }

    /// <summary>Null while the table has not been read.</summary>
    public IReadOnlyList<RouteEntry>? Of(string tableId) => tables.GetValueOrDefault(tableId)?.Entries;

    public int CustomEntriesOf(string tableId) => Of(tableId)?.Count(entry => entry.IsCustom) ?? 0;

    /// <summary>Whether the next <see cref="ReadAsync"/> reads the whole table, if it may be read then.</summary>
    public bool IsStale(string tableId) => tables.TryGetValue(tableId, out var table) && table.IsStale;

    /// <summary>The next <see cref="ReadAsync"/> reads these tables.</summary>
    public void Invalidate(IEnumerable<string> tableIds)
    {
        foreach (var table in Known(tableIds)) table.Invalidate();
    }

    /// <summary>The next <see cref="ReadAsync"/> reads this destination, or its table.</summary>
    public void Invalidate(RouteKey key, ExpectedEntry expected)
    {
        if (!tables.TryGetValue(key.TableId, out var table)) return;
        if (reader.HasOnePage(table)) table.Invalidate();
        else table.Invalidate(key.Destination, expected);
    }

    /// <summary>These tables are read without a delay for the passes: by the next <see cref="ReadAsync"/> or in the background.</summary>
    public void Refresh(IEnumerable<string> tableIds)
    {
        foreach (var table in Known(tableIds))
        {
            if (reader.HasOnePage(table)) table.Invalidate();
            else table.Refresh();
        }
    }

    /// <summary>Whether these destinations were read just now, without an error.</summary>
    public bool AreFresh(IEnumerable<RouteKey> keys) => keys.All(key =>
        tables.TryGetValue(key.TableId, out var table) && !table.IsDue(key.Destination) && failures.ErrorOf(key.TableId) is null
        && context.Time.GetElapsedTime(table.ReceivedAt(key.Destination)) < Freshness);

    /// <summary>Whether all entries of these tables were received a moment ago, without an error.</summary>
    public bool AreCompletelyRead(IEnumerable<string> tableIds) => tableIds.All(id =>
        tables.TryGetValue(id, out var table) && !table.IsStale && failures.ErrorOf(id) is null
        && context.Time.GetElapsedTime(table.CompletelyReadAt) < CompleteFreshness);

    /// <summary>Whether all of them are among the tables to read.</summary>
    public bool AreRead(IEnumerable<string> tableIds) => tableIds.All(tables.ContainsKey);

    /// <summary>Whether a read in the background of one of them must end first.</summary>
    public bool AreInBackground(IEnumerable<string> tableIds) =>
        background is not null && Known(tableIds).Any(table => table is { IsStale: false, IsRefreshDue: true });

    /// <summary>Reads what is stale and may be read now, and applies what was read in the background.</summary>
    public async Task<TableReadResult> ReadAsync(CancellationToken cancellation)
    {
        var errors = new List<TableError>();
        var applied = await ApplyBackgroundAsync(errors);
        StartBackground(cancellation);
        var due = tables.Values.Where(table => (table.IsStale || table.Due.Count > 0) && failures.MayRead(table.Id)).ToList();
        var results = await Task.WhenAll(due.Select(table => reader.ReadAsync(table, cancellation)));
        // Not in the tasks: they may complete on several threads, and neither a table nor Random is thread-safe.
        for (var i = 0; i < due.Count; i++) Store(due[i], results[i], errors);
        return new TableReadResult(applied + due.Count, errors);
    }

    /// <summary>The time until a table that could not be read is read again; null if there is none.</summary>
    public TimeSpan? NextRetry() => failures.NextRetry(
        tables.Values.Where(table => table.IsStale || table.IsRefreshDue || table.Due.Count > 0).Select(table => table.Id));

    private IEnumerable<TableEntries> Known(IEnumerable<string> tableIds) =>
        tableIds.Select(id => tables.GetValueOrDefault(id)).OfType<TableEntries>();

    private void StartBackground(CancellationToken cancellation)
    {
        if (background is not null) return;
        var due = tables.Values.Where(table => table is { IsRefreshDue: true, IsStale: false } && failures.MayRead(table.Id)).ToList();
        if (due.Count == 0) return;
        background = new BackgroundRead(due, context.Time.GetTimestamp());
        background.Running = ReadInBackgroundAsync(background, cancellation);
    }

    private async Task ReadInBackgroundAsync(BackgroundRead read, CancellationToken cancellation)
    {
        read.Results = await Task.WhenAll(read.Tables.Select(table => reader.ReadAllAsync(table.Id, isBackground: true, cancellation)));
        changed();
    }

    /// <returns>How many tables were read.</returns>
    private async Task<int> ApplyBackgroundAsync(List<TableError> errors)
    {
        if (background is not { } ended) return 0;
        // Throws what the read threw.
        if (ended.Running.IsFaulted) await ended.Running;
        if (ended.Results is not { } results) return 0;
        background = null;
        for (var i = 0; i < results.Length; i++)
        {
            var table = ended.Tables[i];
            if (tables.GetValueOrDefault(table.Id) != table) continue;
            if (results[i].Error is { } error) Fail(table, error, errors);
            else
            {
                table.StoreInBackground(results[i].Entries, ended.Began, context.Time.GetTimestamp());
                if (!table.IsStale) failures.Recover(table.Id);
            }
        }

        return results.Length;
    }

    private void Store(TableEntries table, TableRead read, List<TableError> errors)
    {
        if (read.RejectsDestinations) reader.ReadsWholeTables = true;
        if (read.Error is { } error)
        {
            // The next read is complete.
            table.Invalidate();
            Fail(table, error, errors);
            return;
        }

        if (read.Destinations is { } destinations) table.Store(destinations, read.Entries, context.Time.GetTimestamp());
        else table.Store(read.Entries, context.Time.GetTimestamp());
        failures.Recover(table.Id);
    }

    private void Fail(TableEntries table, CloudError error, List<TableError> errors)
    {
        failures.Fail(table.Id, error);
        errors.Add(new TableError(table.Id, error));
    }
}

/// <param name="Count">How many tables were read, with or without an error.</param>
internal sealed record TableReadResult(int Count, IReadOnlyList<TableError> Errors);

internal sealed record TableError(string TableId, CloudError Error);
