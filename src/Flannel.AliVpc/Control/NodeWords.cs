using Flannel.AliVpc.Api;
using Flannel.Core.Leases;
using Flannel.Core.Routes;

namespace Flannel.AliVpc.Control;

/// <summary>Gathers what one pass found out about each node, and publishes what is new in it.</summary>
internal sealed class NodeWords(
    VpcTables tables, VpcEntries entries, RouteTroubles troubles, VpcOverlaps overlaps, InterfaceChecks checks,
    NodeStatuses statuses, StatusBoard board)
{
    /// <param name="stopper">What stops the whole VPC; null when nothing does.</param>
    /// <returns>False when the term is over.</returns>
    public async Task<bool> PublishAsync(
        VpcView view, IReadOnlyDictionary<string, IReadOnlyList<RouteStep>> plans, (RouteState State, string Text, string RequestId)? stopper,
        CancellationToken cancellation)
    {
        statuses.Begin(view);
        var steps = new Dictionary<RouteKey, RouteStep>();
        var narrower = new List<RouteStep.Conflict>();
        foreach (var step in plans.Where(plan => tables.Serving.Contains(plan.Key)).SelectMany(plan => plan.Value))
        {
            if (step is RouteStep.Conflict { Kind: ConflictKind.Narrower } part) narrower.Add(part);
            else steps[RouteKey.Of(step)] = step;
        }

        var words = new List<(Lease, RouteStatus)>();
        foreach (var node in view.Nodes)
        {
            var (concluded, problem) = checks.Of(node.Node.NetworkInterfaceId);
            var findings = new NodeFindings(
                overlaps.RefusalOf(node.Destination), tables.ProblemOf(node.Node.VSwitchId),
                [.. tables.Serving.Select(id => Finding(id, steps.GetValueOrDefault(new RouteKey(id, node.Destination))))],
                [.. narrower.Where(part => part.Wanted?.Destination == node.Destination).Select(part => part.Entry)],
                stopper, problem);
            words.Add(statuses.Of(node, findings, concluded));
        }

        words.AddRange(view.Refused.Select(refused => statuses.Refused(refused.Node, refused.Reason)));
        // A table that could not be read, or is not known yet, may still have it.
        var known = tables.Covers(view) && !tables.HasOpenQuestions && tables.Serving.All(id => plans.ContainsKey(id) && entries.ErrorOf(id) is null);
        words.AddRange(view.Leaving.Select(node => Leaving(node, plans, known)));
        return await board.PublishAsync(words, cancellation);
    }

    private (Lease, RouteStatus) Leaving(WantedRoute node, IReadOnlyDictionary<string, IReadOnlyList<RouteStep>> plans, bool known)
    {
        var step = plans.Values.SelectMany(steps => steps)
            .FirstOrDefault(step => step is RouteStep.Delete or RouteStep.Wait && step.Destination == node.Destination);
        return statuses.Leaving(node, known && step is null, step is null ? "" : troubles.Of(step)?.RequestId ?? "");
    }

    private TableFinding Finding(string tableId, RouteStep? step)
    {
        if (step is not null) return new(tableId, step, troubles.Of(step));
        if (entries.ErrorOf(tableId) is not { } error) return new(tableId, null, null);
        var state = error.Kind == CloudErrorKind.Denied ? RouteState.Denied : RouteState.Pending;
        var text = $"route table {tableId} cannot be read: {error.DeniedAction ?? error.Code}";
        return new(tableId, null, new RouteTrouble(state, text, error.RequestId, error.Kind, null, 0, 1));
    }
}
