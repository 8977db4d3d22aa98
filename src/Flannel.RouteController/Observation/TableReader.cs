using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.RouteController.Infrastructure;

namespace Flannel.RouteController.Observation;

/// <summary>Reads the entries of one route table: those of the destinations that are due, or all of them where that takes no more
/// calls.</summary>
internal sealed class TableReader(VpcContext context)
{
    /// <summary>The API does not support the filter by destinations.</summary>
    public bool ReadsWholeTables { get; set; }

    /// <summary>Whether all entries are read with one call, as far as is known.</summary>
    public bool HasOnePage(TableEntries table) => PagesOf(table) <= 1;

    /// <summary>Changes nothing: reads of several tables run concurrently.</summary>
    public async Task<TableRead> ReadAsync(TableEntries table, CancellationToken cancellation)
    {
        List<IpNetwork> destinations = [.. table.Due];
        var calls = (destinations.Count - 1) / CloudLimits.DestinationsPerCall + 1;
        if (table.IsStale || ReadsWholeTables || PagesOf(table) <= calls)
            return await ReadAllAsync(table.Id, isBackground: false, cancellation);
        var read = await ReadDestinationsAsync(table.Id, destinations, cancellation);
        // A transient error: the whole table is read after a pause.
        var isTransient = read.Error?.Kind is CloudErrorKind.Retry or CloudErrorKind.Reread or CloudErrorKind.RefreshCredentials;
        if (isTransient || read is { Error: null, RejectsDestinations: false }) return read;
        var all = await ReadAllAsync(table.Id, isBackground: false, cancellation);
        // An error of the table itself is no rejection of the filter.
        return all with { RejectsDestinations = all.Error is null };
    }

    public async Task<TableRead> ReadAllAsync(string tableId, bool isBackground, CancellationToken cancellation)
    {
        var query = new RouteEntryQuery(tableId) { IsBackground = isBackground };
        var result = await context.Api.DescribeRouteEntryListAsync(context.RegionId, query, cancellation);
        return new TableRead(result.Value ?? [], result.Error);
    }

    private async Task<TableRead> ReadDestinationsAsync(
        string tableId, List<IpNetwork> destinations, CancellationToken cancellation)
    {
        var parts = destinations.Chunk(CloudLimits.DestinationsPerCall).ToList();
        var results = await Task.WhenAll(parts.Select(part => context.Api.DescribeRouteEntryListAsync(
            context.RegionId, new RouteEntryQuery(tableId) { Destinations = part }, cancellation)));
        if (results.Select(result => result.Error).OfType<CloudError>().FirstOrDefault() is { } error) return new TableRead([], error);
        List<RouteEntry> found = [.. results.SelectMany(result => result.Value!)];
        var requested = destinations.ToHashSet();
        var isFiltered = found.TrueForAll(entry => entry.Destination is { } destination && requested.Contains(destination));
        return new TableRead(found, null) { Destinations = destinations, RejectsDestinations = !isFiltered };
    }

    private int PagesOf(TableEntries table) =>
        table.Entries is { Count: > 0 } entries ? (entries.Count - 1) / context.EntriesPerPage + 1 : 1;
}

/// <param name="Entries">Empty with an error.</param>
internal sealed record TableRead(IReadOnlyList<RouteEntry> Entries, CloudError? Error)
{
    /// <summary>The destinations that were read; null for the whole table.</summary>
    public IReadOnlyList<IpNetwork>? Destinations { get; init; }

    /// <summary>The API rejected or ignored the filter by destinations.</summary>
    public bool RejectsDestinations { get; init; }
}
