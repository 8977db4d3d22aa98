using Flannel.AliCloud.Http;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Status;

/// <summary>Derives the status of each node from a plan, and publishes the statuses that changed.</summary>
internal sealed class RouteStatusPublisher(
    VpcTables tables, VpcFailures failures, CidrConflicts cidrs, InterfaceChecks checks, StatusDebouncer debouncer,
    PublishedStatusCache published)
{
    /// <returns>False if the term is over.</returns>
    public async Task<bool> PublishAsync(VpcPlan plan, CancellationToken cancellation)
    {
        var desired = plan.Desired;
        debouncer.Begin(desired);
        var served = ServedActions.Of(plan, tables.Serving);
        List<RouteStatusUpdate> updates = [.. desired.Nodes.Select(node => StatusOf(node, served))];
        updates.AddRange(desired.Unroutable.Select(debouncer.Unroutable));
        // A table that could not be read, or is not known yet, may still have the route.
        var isComplete = tables.IsCurrent(desired) && !tables.HasUnresolvedVSwitches && plan.HasRead(tables.Serving);
        updates.AddRange(desired.Released.Select(node => Released(node, plan, isComplete)));
        return await published.PublishAsync(updates, cancellation);
    }

    /// <summary>The actions in the serving tables.</summary>
    /// <param name="Narrower">Entries of others that receive a part of a subnet's traffic.</param>
    private sealed record ServedActions(IReadOnlyDictionary<RouteKey, RouteAction> ByKey, IReadOnlyList<RouteAction.Conflict> Narrower)
    {
        public static ServedActions Of(VpcPlan plan, IReadOnlyList<string> serving)
        {
            var byKey = new Dictionary<RouteKey, RouteAction>();
            var narrower = new List<RouteAction.Conflict>();
            foreach (var action in plan.Tables.Where(table => serving.Contains(table.Table.Id)).SelectMany(table => table.Actions))
            {
                if (action is RouteAction.Conflict { Kind: ConflictKind.Narrower } part) narrower.Add(part);
                else byKey[RouteKey.Of(action)] = action;
            }

            return new ServedActions(byKey, narrower);
        }
    }

    private RouteStatusUpdate StatusOf(DesiredRoute node, ServedActions served)
    {
        var check = checks.Of(node.Node.NetworkInterfaceId);
        // A table that can never be read decides about the nodes whose vSwitch it serves. The status of the others only mentions it.
        var own = tables.TableOf(node.Node.VSwitchId);
        var unreadable = tables.Serving.Where(id => id != own && failures.Tables.IsUnreadable(id)).ToList();
        IEnumerable<string> remarks = [.. unreadable.Select(id => Unreadable(id, failures.Tables.ErrorOf(id)!)), .. tables.Unverified];
        if (check.Problem is { } problem) remarks = remarks.Append(problem);
        var states = tables.Serving.Except(unreadable)
            .Select(id => StateIn(id, served.ByKey.GetValueOrDefault(new RouteKey(id, node.Destination))));
        var state = new NodeRouteState(
            cidrs.RejectionOf(node.Destination), tables.ProblemOf(node.Node.VSwitchId), [.. states],
            [.. served.Narrower.Where(part => part.Desired?.Destination == node.Destination).Select(part => part.Entry)],
            failures.Reason, [.. remarks]);
        return debouncer.Of(node, state, check.IsKnown);
    }

    private RouteStatusUpdate Released(DesiredRoute node, VpcPlan plan, bool isComplete)
    {
        var deletion = plan.Actions.FirstOrDefault(action =>
            action is RouteAction.Delete { Released: not null } or RouteAction.KeepInTransition && action.Destination == node.Destination);
        var requestId = deletion is null ? null : failures.Routes.Of(deletion)?.Reason.RequestId;
        return debouncer.Released(node, isComplete && deletion is null, requestId ?? "");
    }

    private TableRouteState StateIn(string tableId, RouteAction? action)
    {
        var isUnreadable = failures.Tables.IsUnreadable(tableId);
        // A mark that cannot be written does not concern the node.
        if (action is not null && !isUnreadable)
            return new(tableId, action, action is RouteAction.Mark ? null : failures.Routes.Of(action)?.Reason);
        if (failures.Tables.ErrorOf(tableId) is not { } error) return new(tableId, null, null);
        var state = isUnreadable ? RouteState.Rejected : RouteState.Pending;
        if (error.Kind == CloudErrorKind.Denied) state = RouteState.Denied;
        return new(tableId, null, new RouteStateReason(state, Unreadable(tableId, error), error.RequestId));
    }

    private static string Unreadable(string tableId, CloudError error) =>
        $"route table {tableId} cannot be read: {error.DeniedAction ?? error.Code}";
}
