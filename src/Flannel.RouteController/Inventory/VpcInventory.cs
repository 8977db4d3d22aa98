using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Inventory;

/// <summary>Reads the route tables of one VPC, and finds which desired routes they lack.</summary>
internal sealed class VpcInventory(DesiredVpcState desired, IReadOnlyList<string> routeTableIds, ICloudApi api, ILogger log)
{
    private readonly VpcTables tables = new(desired.Vpc, routeTableIds, api, log);
    private readonly List<string> problems = [];
    private readonly List<RouteGap> gaps = [];

    public VpcId Vpc => desired.Vpc;

    /// <summary>The tables that could be read, without those of gateways.</summary>
    public List<ObservedTable> Tables { get; } = [];

    /// <summary>What could not be read, one line each.</summary>
    public IReadOnlyList<string> Problems => problems;

    public IReadOnlyList<RouteGap> Gaps => gaps;

    /// <summary>The number of leases that need a route.</summary>
    public int Required => desired.Nodes.Count + desired.Unroutable.Count;

    public TimeSpan? RetryAfter { get; private set; }

    public async Task ReadAsync(CancellationToken cancellation)
    {
        AddError(await tables.RefreshAsync(desired, cancellation), "the route tables");
        AddError(tables.ListDenial, "the list of route tables");
        foreach (var line in tables.Unverified) problems.Add($"{Vpc}: {line}");
        foreach (var id in tables.Serving.Concat(tables.Others))
        {
            var entries = await api.DescribeRouteEntryListAsync(Vpc.RegionId, id, cancellation);
            AddError(entries.Error, id);
            if (entries.Value is { } read)
                Tables.Add(new ObservedTable(id, tables.Serving.Contains(id), HasError: false, read, new HashSet<string>()));
        }

        FindGaps();
    }

    private void AddError(CloudError? error, string what)
    {
        if (error is null) return;
        problems.Add($"{Vpc}: {what} not read: {error.Summary}");
        if (error.RetryAfter > (RetryAfter ?? TimeSpan.Zero)) RetryAfter = error.RetryAfter;
    }

    private void FindGaps()
    {
        foreach (var unroutable in desired.UnroutableNodes)
            gaps.Add(RouteGap.Of(RouteGapKind.Unroutable, unroutable.Node, "", unroutable.Reason));
        foreach (var route in desired.RoutesOfNodes)
        {
            // Each vSwitch is in one table, but the containers of every table's nodes need every route.
            if (tables.ProblemOf(route.Node.VSwitchId) is { } problem)
                gaps.Add(RouteGap.Of(RouteGapKind.UnknownTable, route, "", problem.Message));
        }

        foreach (var table in Tables.Where(table => table.ServesNodes)) FindGaps(table);
    }

    private void FindGaps(ObservedTable table)
    {
        var entries = new Dictionary<IpNetwork, RouteEntry>();
        foreach (var entry in table.Entries)
        {
            if (entry.Destination is { } destination) entries.TryAdd(destination, entry);
        }

        foreach (var route in desired.RoutesOfNodes)
        {
            if (!entries.TryGetValue(route.Destination, out var entry)) gaps.Add(RouteGap.Of(RouteGapKind.Missing, route, table.Id));
            else if (!route.IsSatisfiedBy(entry))
                gaps.Add(RouteGap.Of(RouteGapKind.WrongNextHop, route, table.Id, $"it leads to {RouteActionText.HopsOf(entry)}"));
            else if (entry.Status != RouteEntryStatus.Available)
                gaps.Add(RouteGap.Of(RouteGapKind.NotAvailable, route, table.Id, $"it is {entry.Status}"));
        }
    }
}
