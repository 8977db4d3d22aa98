using Flannel.AliCloud.Http;
using Flannel.Core.Routes;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Status;

/// <summary>Derives the state of a node's route from a plan, for one family.</summary>
internal sealed class RouteStateReader(
    VpcTables tables, TableFailures tableFailures, RouteFailures routeFailures, CidrConflicts cidrs)
{
    /// <summary>What the plan says about the serving tables.</summary>
    public ServedActions ServedBy(VpcPlan plan) => new(plan, tables.Serving);

    /// <param name="vpc">What stops the whole VPC; null if nothing does.</param>
    /// <param name="remark">What the status mentions although the route is available; null for nothing.</param>
    public NodeRouteState StateOf(DesiredRoute node, ServedActions served, RouteStateReason? vpc, string? remark)
    {
        // A table that can never be read decides about the nodes whose vSwitch it serves. The status of the others only mentions it.
        var own = tables.TableOf(node.Node.VSwitchId);
        var unreadable = tables.Serving.Where(id => id != own && tableFailures.IsUnreadable(id)).ToList();
        IEnumerable<string> remarks = [.. unreadable.Select(id => Unreadable(id, tableFailures.ErrorOf(id)!)), .. tables.Unverified];
        if (remark is not null) remarks = remarks.Append(remark);
        return new NodeRouteState(
            cidrs.RejectionOf(node.Destination), tables.ProblemOf(node.Node.VSwitchId), StatesIn(node, served, unreadable),
            [.. served.NarrowerThan(node.Destination).Select(part => part.Entry)],
            vpc, [.. remarks]);
    }

    /// <param name="ignored">Serving tables that the status only mentions.</param>
    private List<TableRouteState> StatesIn(DesiredRoute node, ServedActions served, List<string> ignored)
    {
        var serving = tables.Serving;
        var actions = served.For(node.Destination);
        var states = new List<TableRouteState>(serving.Count);
        for (var i = 0; i < serving.Count; i++)
        {
            if (!ignored.Contains(serving[i])) states.Add(StateIn(serving[i], actions[i]));
        }

        return states;
    }

    private TableRouteState StateIn(string tableId, RouteAction? action)
    {
        var isUnreadable = tableFailures.IsUnreadable(tableId);
        // A mark that cannot be written does not concern the node.
        if (action is not null && !isUnreadable)
            return new(tableId, action, action is RouteAction.Mark ? null : routeFailures.Of(action)?.Reason);
        if (tableFailures.ErrorOf(tableId) is not { } error) return new(tableId, null, null);
        var state = isUnreadable ? RouteState.Rejected : RouteState.Pending;
        if (error.Kind == CloudErrorKind.Denied) state = RouteState.Denied;
        return new(tableId, null, new RouteStateReason(state, Unreadable(tableId, error), error.RequestId) { Code = error.Code });
    }

    private static string Unreadable(string tableId, CloudError error) =>
        $"route table {tableId} cannot be read: {error.DeniedAction ?? error.Code}";
}
