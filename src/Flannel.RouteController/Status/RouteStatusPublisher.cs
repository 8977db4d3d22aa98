using Flannel.AliCloud.Http;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Status;

/// <summary>Gathers what one pass found out about each node, and publishes what is new in it.</summary>
internal sealed class RouteStatusPublisher(
    VpcTables tables, VpcEntries entries, RouteFailures troubles, CidrConflicts overlaps, InterfaceChecks checks,
    StatusDebouncer statuses, PublishedStatusCache board)
{
    /// <param name="stopper">What stops the whole VPC; null when nothing does.</param>
    /// <returns>False when the term is over.</returns>
    public async Task<bool> PublishAsync(
        DesiredVpcState view, IReadOnlyDictionary<string, IReadOnlyList<RouteAction>> plans, (RouteState State, string Text, string RequestId)? stopper,
        CancellationToken cancellation)
    {
        statuses.Begin(view);
        var steps = new Dictionary<RouteKey, RouteAction>();
        var narrower = new List<RouteAction.Conflict>();
        foreach (var step in plans.Where(plan => tables.Serving.Contains(plan.Key)).SelectMany(plan => plan.Value))
        {
            if (step is RouteAction.Conflict { Kind: ConflictKind.Narrower } part) narrower.Add(part);
            else steps[RouteKey.Of(step)] = step;
        }

        var words = new List<(Lease, RouteStatus)>();
        foreach (var node in view.Nodes)
        {
            var (concluded, problem) = checks.Of(node.Node.NetworkInterfaceId);
            var defects = problem.Length > 0 ? tables.Unverified.Append(problem) : tables.Unverified;
            var (own, unreadable) = TablesOf(node);
            var findings = new NodeRouteState(
                overlaps.RefusalOf(node.Destination), tables.ProblemOf(node.Node.VSwitchId),
                [.. own.Select(id => Finding(id, steps.GetValueOrDefault(new RouteKey(id, node.Destination))))],
                [.. narrower.Where(part => part.Wanted?.Destination == node.Destination).Select(part => part.Entry)],
                stopper, [.. unreadable.Select(id => Unreadable(id, entries.ErrorOf(id)!)), .. defects]);
            words.Add(statuses.Of(node, findings, concluded));
        }

        words.AddRange(view.Refused.Select(refused => statuses.Refused(refused.Node, refused.Reason)));
        // A table that could not be read, or is not known yet, may still have it.
        var known = tables.Covers(view) && !tables.HasOpenQuestions && tables.Serving.All(id => plans.ContainsKey(id) && entries.ErrorOf(id) is null);
        words.AddRange(view.Leaving.Select(node => Leaving(node, plans, known)));
        return await board.PublishAsync(words, cancellation);
    }

    private (Lease, RouteStatus) Leaving(DesiredRoute node, IReadOnlyDictionary<string, IReadOnlyList<RouteAction>> plans, bool known)
    {
        var step = plans.Values.SelectMany(steps => steps)
            .FirstOrDefault(step => step is RouteAction.Delete { Released: not null } or RouteAction.Wait
                && step.Destination == node.Destination);
        return statuses.Leaving(node, known && step is null, step is null ? "" : troubles.Of(step)?.RequestId ?? "");
    }

    /// <summary>The tables that a node's status depends on. One that can never be read counts for the nodes whose vSwitch it serves; the
    /// status of the others only mentions it.</summary>
    private (IEnumerable<string> Deciding, IReadOnlyList<string> Unreadable) TablesOf(DesiredRoute node)
    {
        var own = tables.TableOf(node.Node.VSwitchId);
        var unreadable = tables.Serving.Where(id => id != own && entries.IsUnreadable(id)).ToList();
        return (tables.Serving.Except(unreadable), unreadable);
    }

    private TableRouteState Finding(string tableId, RouteAction? step)
    {
        if (entries.IsUnreadable(tableId)) step = null;
        // A mark that cannot be written does not concern the node.
        if (step is not null) return new(tableId, step, step is RouteAction.Mark ? null : troubles.Of(step));
        if (entries.ErrorOf(tableId) is not { } error) return new(tableId, null, null);
        var state = error.Kind == CloudErrorKind.Denied ? RouteState.Denied
            : entries.IsUnreadable(tableId) ? RouteState.Rejected
            : RouteState.Pending;
        return new(tableId, null, new RouteFailure(state, Unreadable(tableId, error), error.RequestId, error.Kind, null, 0, 1));
    }

    private static string Unreadable(string tableId, CloudError error) =>
        $"route table {tableId} cannot be read: {error.DeniedAction ?? error.Code}";
}
