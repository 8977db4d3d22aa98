namespace Flannel.Testbed;

/// <summary>
/// The VPC's router: forwards only by the entries of the simulated route tables. For an interface with the source/destination check on it
/// drops packets whose source address is not the interface's, and delivers no packets for another destination address, as the cloud does.
/// It forwards IPv4 only.
/// </summary>
public sealed class VpcRouter : IAsyncDisposable
{
    private const int TablePriority = 100;
    private const int MachinesPriority = 200;
    private const int BlackholePriority = 300;
    private const int FirstTable = 1000;

    private readonly NetworkNamespace ns;
    private readonly SimulatorControl control;
    private readonly Dictionary<string, InstanceSetup> machines;
    private readonly Dictionary<string, int> tables = [];
    private readonly CancellationTokenSource stop = new();
    private HashSet<string> routes = [];
    private HashSet<string> rules = [];
    private Task watching = Task.CompletedTask;

    private VpcRouter(NetworkNamespace ns, SimulatorControl control, IReadOnlyList<InstanceSetup> machines) =>
        (this.ns, this.control, this.machines) = (ns, control, machines.ToDictionary(machine => machine.PrivateIp));

    /// <summary>The version of the route tables that it forwards by.</summary>
    public long Version { get; private set; }

    /// <summary>The routes in the kernel, as arguments of <c>ip route add</c>.</summary>
    public IReadOnlyCollection<string> Routes => routes;

    /// <summary>The router's end of the veth pair of a machine.</summary>
    public static string Port(int number) => $"port{number}";

    internal static async Task<VpcRouter> StartAsync(NetworkNamespace ns, SimulatorControl control, IReadOnlyList<InstanceSetup> machines,
        CancellationToken cancel)
    {
        var router = new VpcRouter(ns, control, machines);
        // The route tables of a VPC exist from the start, so the first state has version 1 or later.
        await router.ApplyAsync(await control.WatchRoutesAsync(0, cancel), cancel);
        router.watching = router.WatchAsync();
        return router;
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        try
        {
            await watching;
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
        stop.Dispose();
    }

    private async Task WatchAsync()
    {
        while (true)
        {
            var state = await control.WatchRoutesAsync(Version, stop.Token);
            if (state.Version > Version)
            {
                await ApplyAsync(state, stop.Token);
            }
        }
    }

    private async Task ApplyAsync(RoutingState state, CancellationToken cancel)
    {
        var tableOf = await TablesOfVSwitchesAsync(cancel);
        var checkOn = state.Interfaces.Where(each => each.SourceDestCheck).Select(each => each.PrivateIp).ToHashSet();
        var rules = machines.Values.SelectMany(machine => RulesOf(machine, Table(tableOf[machine.VSwitchId]), checkOn)).ToHashSet();
        var routes = tables.SelectMany(table => RoutesOf(table.Key, table.Value, state, checkOn)).ToHashSet();

        string[] lines =
        [
            .. this.routes.Except(routes).Select(route => $"route del {route}"),
            .. routes.Except(this.routes).Select(route => $"route add {route}"),
            .. this.rules.Except(rules).Select(rule => $"rule del {rule}"),
            .. rules.Except(this.rules).Select(rule => $"rule add {rule}"),
        ];
        if (lines.Length > 0)
        {
            await ns.IpAsync(cancel, lines);
        }
        (this.routes, this.rules, Version) = (routes, rules, state.Version);
    }

    private static IEnumerable<string> RulesOf(InstanceSetup machine, int table, HashSet<string> checkOn)
    {
        var own = checkOn.Contains(machine.PrivateIp) ? $"from {machine.PrivateIp} " : "";
        yield return $"{own}iif {Port(machine.Number)} lookup {table} priority {TablePriority}";
        yield return $"{own}iif {Port(machine.Number)} lookup main priority {MachinesPriority}";
        // Matches all packets from this port that no rule above matched. "not from … iif …" would also match other ports.
        yield return $"iif {Port(machine.Number)} blackhole priority {BlackholePriority}";
    }

    private IEnumerable<string> RoutesOf(string routeTableId, int table, RoutingState state, HashSet<string> checkOn)
    {
        foreach (var entry in state.Routes.Where(entry =>
            entry.RouteTableId == routeTableId && entry.Type == "Custom" && entry.Status is "Available" or "Modifying"
            && !entry.DestinationCidrBlock.Contains(':', StringComparison.Ordinal)))
        {
            yield return entry.NextHopPrivateIp is { } hop && machines.TryGetValue(hop, out var machine) && !checkOn.Contains(hop)
                ? $"{entry.DestinationCidrBlock} via {hop} dev {Port(machine.Number)} onlink table {table}"
                : $"blackhole {entry.DestinationCidrBlock} table {table}";
        }
    }

    private int Table(string routeTableId)
    {
        if (!tables.TryGetValue(routeTableId, out var number))
        {
            tables.Add(routeTableId, number = FirstTable + tables.Count);
        }
        return number;
    }

    private async Task<Dictionary<string, string>> TablesOfVSwitchesAsync(CancellationToken cancel)
    {
        var state = await control.StateAsync(cancel);
        return state["vpcs"]!.AsArray().SelectMany(vpc => vpc!["vSwitches"]!.AsArray())
            .ToDictionary(vSwitch => vSwitch!["vSwitchId"]!.GetValue<string>(), vSwitch => vSwitch!["routeTableId"]!.GetValue<string>());
    }
}
