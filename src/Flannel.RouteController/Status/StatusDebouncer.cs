using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Status;

/// <summary>Turns findings into the word that a node is told. Patience is here: a route that was available stays so in words while it is
/// being repaired or cannot be seen, and a route that is ready waits a moment for its interface's check.</summary>
internal sealed class StatusDebouncer(RouteControllerOptions options, PublishedStatusCache board, TimeProvider time)
{
    private readonly Dictionary<LeaseName, Condition> since = [];
    private readonly Dictionary<string, RouteStatus> latest = [];

    /// <summary>A later lease of the same subnet is another one.</summary>
    private sealed record LeaseName(string Key, long CreateRevision)
    {
        public static LeaseName Of(DesiredRoute node) => new(node.Key, node.Lease.CreateRevision);
    }

    private sealed record Condition(bool Stands, long Since);

    /// <summary>When a word that was held back is due; null when none is.</summary>
    public TimeSpan? NextDue { get; private set; }

    /// <summary>The newest word on each node, published or about to be.</summary>
    public IReadOnlyList<RouteStatus> Latest => [.. latest.Values];

    public void Begin(DesiredVpcState view)
    {
        NextDue = null;
        var keys = view.Nodes.Select(LeaseName.Of).ToHashSet();
        foreach (var gone in since.Keys.Where(key => !keys.Contains(key)).ToList()) since.Remove(gone);
        var names = view.Members.Concat(view.Refused.Select(refused => refused.Node)).Select(node => node.Key).ToHashSet();
        foreach (var gone in latest.Keys.Where(key => !names.Contains(key)).ToList()) latest.Remove(gone);
    }

    public (Lease Lease, RouteStatus Status) Refused(DesiredRoute node, string reason) => Word(node, [], RouteState.Rejected, reason, "");

    public (Lease Lease, RouteStatus Status) Leaving(DesiredRoute node, bool isGone, string requestId) =>
        Word(node, [], isGone ? RouteState.Released : RouteState.Pending, isGone ? "" : "the route is being taken back", requestId);

    public (Lease Lease, RouteStatus Status) Of(DesiredRoute node, NodeRouteState findings, bool checkConcluded)
    {
        var (state, message, requestId) = findings.Verdict();
        var tables = findings.Tables.Select(table => table.TableId).ToList();
        var standing = board.Of(node) is { State: RouteState.Available } available ? available : null;
        var elapsed = Elapsed(node, findings.Stands);
        if (state == RouteState.Available && !checkConcluded)
        {
            if (standing is not null) return Again(node, standing);
            if (Hold(options.CheckPatience - elapsed)) return Word(node, tables, RouteState.Pending, "", requestId);
        }

        if (state != RouteState.Available && standing is not null && !findings.IsStuck)
        {
            var broken = findings.Tables.Any(table => table.Step is not null && !table.Stands);
            if (!broken || Hold(options.RepairPatience - elapsed)) return Again(node, standing);
        }

        return Word(node, tables, state, message, requestId);
    }

    private bool Hold(TimeSpan left)
    {
        if (left <= TimeSpan.Zero) return false;
        if (NextDue is null || left < NextDue) NextDue = left;
        return true;
    }

    /// <summary>How long the route has been standing, or has not been.</summary>
    private TimeSpan Elapsed(DesiredRoute node, bool stands)
    {
        var key = LeaseName.Of(node);
        if (!since.TryGetValue(key, out var known) || known.Stands != stands) since[key] = known = new Condition(stands, time.GetTimestamp());
        return time.GetElapsedTime(known.Since);
    }

    private (Lease, RouteStatus) Again(DesiredRoute node, RouteStatus standing)
    {
        latest[node.Key] = standing;
        return (node.Lease, standing);
    }

    private (Lease, RouteStatus) Word(DesiredRoute node, IReadOnlyList<string> tables, RouteState state, string message, string requestId)
    {
        var status = new RouteStatus(
            node.Destination.ToString(), node.Node.InstanceId, tables, state, message, requestId, time.GetUtcNow());
        if (latest.TryGetValue(node.Key, out var before) && before.SaysTheSameAs(status)) status = before;
        latest[node.Key] = status;
        return (node.Lease, status);
    }
}
