using Flannel.Core;
using Flannel.Core.Routes;
using Flannel.RouteController;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;
using Flanneld.Observability.Prometheus;

namespace Flanneld.Observability;

/// <summary>How a term as route controller ended.</summary>
internal enum TermEnd
{
    /// <summary>The election was lost.</summary>
    Lost,

    /// <summary>This node ended it: it stops, or it cannot use the API.</summary>
    Resigned,
}

/// <summary>The metrics of the route controller: counters of this process, and the state of the present term. Safe to call from any
/// thread.</summary>
internal sealed class ControllerMetrics : IReconcileObserver
{
    private readonly Counter elected = new();
    private readonly Counter lost = new();
    private readonly Counter resigned = new();
    private readonly Counter successfulPasses = new();
    private readonly Counter failedPasses = new();
    private readonly Histogram durations = new(MetricCatalog.ReconcileDuration);
    private readonly Counter created = new();
    private readonly Counter updated = new();
    private readonly Counter deleted = new();
    private readonly Counter repaired = new();
    private readonly Counter calls = new();
    private readonly Counter failedCalls = new();
    private volatile Term? term;

    private sealed record Term(ClusterReconciler Reconciler, DateTimeOffset Start);

    /// <summary>Whether this process writes routes now. The election's key may still name its predecessor.</summary>
    public bool IsController => term is not null;

    /// <summary>The state of the routes; null while this process is not the route controller.</summary>
    public ControllerSnapshot? Snapshot => term?.Reconciler.Snapshot;

    /// <summary>The number of passes that have ended.</summary>
    public ObservableValue<long> Passes { get; } = new(0);

    /// <param name="now">UTC.</param>
    public void Begin(ClusterReconciler started, DateTimeOffset now)
    {
        term = new Term(started, now);
        elected.Increment();
    }

    public void End(TermEnd end)
    {
        term = null;
        (end == TermEnd.Lost ? lost : resigned).Increment();
    }

    public void PassEnded(ReconcilePass pass)
    {
        (pass.HasFailed ? failedPasses : successfulPasses).Increment();
        durations.Observe(pass.Duration);
        created.Add(pass.Writes.Created);
        updated.Add(pass.Writes.Updated);
        deleted.Add(pass.Writes.Deleted);
        repaired.Add(pass.Writes.Repaired);
        calls.Add(pass.Writes.Calls - pass.Writes.FailedCalls);
        failedCalls.Add(pass.Writes.FailedCalls);
        Passes.Set(successfulPasses.Value + failedPasses.Value);
    }

    public void AppendTo(MetricText text)
    {
        var current = term;
        text.Add(MetricCatalog.RouteController, current is not null);
        if (current is not null) text.Add(MetricCatalog.TermStart, current.Start);
        text.Add(MetricCatalog.ElectionEvents, elected.Value, "elected");
        text.Add(MetricCatalog.ElectionEvents, lost.Value, "lost");
        text.Add(MetricCatalog.ElectionEvents, resigned.Value, "resigned");
        if (current is not null) Append(text, current.Reconciler.Snapshot);
        text.Add(MetricCatalog.ReconcilePasses, successfulPasses.Value, "success");
        text.Add(MetricCatalog.ReconcilePasses, failedPasses.Value, "failure");
        text.Add(MetricCatalog.ReconcileDuration, durations);
        text.Add(MetricCatalog.RouteWrites, created.Value, "created");
        text.Add(MetricCatalog.RouteWrites, updated.Value, "updated");
        text.Add(MetricCatalog.RouteWrites, deleted.Value, "deleted");
        text.Add(MetricCatalog.RouteRepairs, repaired.Value);
        text.Add(MetricCatalog.RouteWriteCalls, calls.Value, "success");
        text.Add(MetricCatalog.RouteWriteCalls, failedCalls.Value, "failure");
    }

    internal static void Append(MetricText text, ControllerSnapshot snapshot)
    {
        AppendRoutes(text, snapshot);
        if (snapshot.Subnets is { } subnets)
        {
            text.Add(MetricCatalog.Subnets, subnets.Total);
            text.Add(MetricCatalog.SubnetsLeased, subnets.Leased);
            text.Add(MetricCatalog.SubnetsFree, subnets.Free);
        }

        text.Add(MetricCatalog.UnmanagedRoutes, snapshot.Unmanaged);
        text.Add(MetricCatalog.OtherClusterRoutes, snapshot.OtherClusters);
        text.Add(MetricCatalog.ConflictingRoutes, snapshot.CountConflicts(ConflictKind.Occupied), "occupied");
        text.Add(MetricCatalog.ConflictingRoutes, snapshot.CountConflicts(ConflictKind.Narrower), "narrower");
        text.Add(MetricCatalog.ConflictingRoutes, snapshot.CountConflicts(ConflictKind.Wider), "wider");
        text.Add(MetricCatalog.DeletionsHeld, snapshot.HeldDeletions);
        AppendTables(text, snapshot.Tables);
        if (snapshot.LastReconcile is { } last) text.Add(MetricCatalog.LastReconcile, last);
    }

    private static void AppendRoutes(MetricText text, ControllerSnapshot snapshot)
    {
        var counts = snapshot.CountByState;
        foreach (var state in Enum.GetValues<RouteState>())
            text.Add(MetricCatalog.Routes, counts.GetValueOrDefault(state), state.ToString());
        if (snapshot.Ipv6Nodes.Count == 0) return;
        var ipv6Counts = snapshot.Ipv6CountByState;
        foreach (var state in Enum.GetValues<RouteState>())
            text.Add(MetricCatalog.Ipv6Routes, ipv6Counts.GetValueOrDefault(state), state.ToString());
    }

    private static void AppendTables(MetricText text, IReadOnlyList<TableUsage> tables)
    {
        foreach (var table in tables) text.Add(MetricCatalog.TableEntries, table.CustomEntries, table.RouteTableId, table.VpcId);
        foreach (var table in tables) text.Add(MetricCatalog.TableEntriesLimit, table.Limit, table.RouteTableId, table.VpcId);
    }
}
