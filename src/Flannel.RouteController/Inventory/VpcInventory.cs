using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Inventory;

/// <summary>Reads the route tables of one VPC once, for a command, and finds which desired routes they lack.</summary>
/// <param name="retries">Repeats reads; shared by the VPCs of a command. Null to read once.</param>
/// <remarks>The route controller reads them in passes, with back-off: <see cref="VpcObserver"/>.</remarks>
internal sealed class VpcInventory(
    DesiredVpcState desired, IReadOnlyList<string> routeTableIds, ICloudApi api, RetryingCloudReads? retries, ILogger log)
{
    private readonly VpcTables tables = new(desired.Vpc, routeTableIds, api, log);
    private readonly List<string> problems = [];
    private readonly List<RouteGap> gaps = [];

    public VpcId Vpc => desired.Vpc;

    /// <summary>The tables that could be read, without those of gateways.</summary>
    public List<ObservedTable> Tables { get; } = [];

    /// <summary>What could not be read, one line each.</summary>
    public IReadOnlyList<string> Problems => problems;

    /// <summary>Why the tables could not be listed: then those that serve no node are not known. The route controller does not know them
    /// either. Null if they were listed.</summary>
    public CloudError? ListDenial => tables.ListDenial;

    public IReadOnlyList<RouteGap> Gaps => gaps;

    /// <summary>The number of leases that need a route.</summary>
    public int Required => desired.Nodes.Count + desired.Unroutable.Count;

    public TimeSpan? RetryAfter { get; private set; }

    public async Task ReadAsync(CancellationToken cancellation)
    {
        AddError(await ReadTablesAsync(cancellation), "the route tables");
        problems.AddRange(tables.Unverified);
        foreach (var id in tables.Serving.Concat(tables.Others))
        {
            var entries = retries is null
                ? await api.DescribeRouteEntryListAsync(Vpc.RegionId, id, cancellation)
                : await retries.DescribeRouteEntryListAsync(Vpc.RegionId, id, cancellation);
            AddError(entries.Error, id);
            if (entries.Value is { } read)
                Tables.Add(new ObservedTable(id, tables.Serving.Contains(id), HasError: false, read, new HashSet<string>()));
        }

        FindGaps();
    }

    /// <summary>Why the tables of vSwitches of nodes are not known, one line each.</summary>
    public IEnumerable<string> FindVSwitchProblems() =>
        desired.Nodes.Select(node => node.Node.VSwitchId).Distinct().Select(tables.ProblemOf).OfType<VSwitchProblem>()
            .Select(problem => problem.Message);

    /// <summary>What a route controller would do: the plans of IPv4 and of IPv6.</summary>
    public IReadOnlyList<VpcPlan> PlanFor(OwnershipMark mark)
    {
        var observation = new VpcObservation(desired, Tables);
        return [VpcPlan.For(observation.Ipv4, mark), VpcPlan.For(observation.Ipv6, mark)];
    }

    /// <summary>The number of writes that a route controller would plan; none in a VPC without leases, in which it does not work.</summary>
    public int CountChanges(OwnershipMark mark) => Required == 0 && desired.Released.Count == 0
        ? 0
        : PlanFor(mark).Sum(plan => plan.Actions.Count(action => action.IsWrite));

    private Task<CloudError?> ReadTablesAsync(CancellationToken cancellation)
    {
        return retries is null ? tables.RefreshAsync(desired, cancellation) : retries.RepeatAsync(RefreshAsync, cancellation);

        Task<CloudError?> RefreshAsync()
        {
            tables.ForgetUnresolvedVSwitches();
            return tables.RefreshAsync(desired, cancellation);
        }
    }

    private void AddError(CloudError? error, string what)
    {
        if (error is null) return;
        problems.Add($"{what} not read: {error.Summary}");
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
