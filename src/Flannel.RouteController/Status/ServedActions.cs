using Flannel.Core.Addresses;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Status;

/// <summary>What a plan says about the tables that serve nodes.</summary>
internal sealed class ServedActions
{
    private readonly Dictionary<IpNetwork, RouteAction?[]> byDestination = [];
    private readonly Dictionary<IpNetwork, List<RouteAction.Conflict>> narrower = [];
    private readonly RouteAction?[] none;

    public ServedActions(VpcPlan plan, IReadOnlyList<string> serving)
    {
        none = new RouteAction?[serving.Count];
        byDestination.EnsureCapacity(plan.Desired.Nodes.Count);
        for (var i = 0; i < serving.Count; i++)
        {
            var served = plan.Tables.Where(table => table.Table.Id == serving[i]);
            foreach (var action in served.SelectMany(table => table.Actions)) Add(i, action);
        }
    }

    /// <summary>The actions for a destination, one for each serving table in their order; null for a table without one.</summary>
    public IReadOnlyList<RouteAction?> For(IpNetwork destination) => byDestination.GetValueOrDefault(destination) ?? none;

    /// <summary>Entries of others that receive a part of the traffic of a desired route.</summary>
    public IReadOnlyList<RouteAction.Conflict> NarrowerThan(IpNetwork destination) => narrower.GetValueOrDefault(destination) ?? [];

    private void Add(int table, RouteAction action)
    {
        if (action is RouteAction.Conflict { Kind: ConflictKind.Narrower } part)
        {
            if (part.Desired is { } whole) AddNarrower(whole.Destination, part);
            return;
        }

        if (!byDestination.TryGetValue(action.Destination, out var actions))
            byDestination.Add(action.Destination, actions = new RouteAction?[none.Length]);
        actions[table] = action;
    }

    private void AddNarrower(IpNetwork destination, RouteAction.Conflict part)
    {
        if (!narrower.TryGetValue(destination, out var parts)) narrower.Add(destination, parts = []);
        parts.Add(part);
    }
}
