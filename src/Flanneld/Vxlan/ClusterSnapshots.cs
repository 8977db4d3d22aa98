using Flannel.Core;
using Flannel.Core.Leases;

namespace Flanneld.Vxlan;

/// <summary>The newest snapshots of all leases and, with <c>Fallback</c>, of all route statuses. Thread-safe.</summary>
/// <param name="hasStatuses">Whether the statuses are watched.</param>
internal sealed class ClusterSnapshots(ISubnetManager subnets, bool hasStatuses)
{
    private static readonly RouteStatusSnapshot NoStatuses = new(new Dictionary<string, PublishedRouteStatus>(), 0);

    private readonly ObservableValue<LeaseSnapshot?> leases = new(null);
    private readonly ObservableValue<RouteStatusSnapshot?> statuses = new(hasStatuses ? null : NoStatuses);

    /// <summary>Null before the first lists.</summary>
    public ClusterSnapshot? Current =>
        leases.Current is { } newestLeases && statuses.Current is { } newestStatuses ? new(newestLeases, newestStatuses) : null;

    /// <summary>Completes with the next snapshot.</summary>
    public Task Changed => hasStatuses ? Task.WhenAny(leases.Changed, statuses.Changed) : leases.Changed;

    /// <summary>What <see cref="Current"/> waits for at first, one line.</summary>
    public string Awaited => hasStatuses ? "the leases and route statuses of the other nodes" : "the leases of the other nodes";

    /// <summary>Watches the leases until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        await foreach (var snapshot in subnets.WatchLeasesAsync(cancellation)) leases.Set(snapshot);
    }

    /// <summary>Watches the route statuses until it is cancelled.</summary>
    public async Task RunStatusesAsync(CancellationToken cancellation)
    {
        await foreach (var snapshot in subnets.WatchRouteStatusesAsync(cancellation)) statuses.Set(snapshot);
    }
}

/// <summary>The leases and route statuses that one pass applies.</summary>
/// <param name="Statuses">Empty without <c>Fallback</c>.</param>
internal sealed record ClusterSnapshot(LeaseSnapshot Leases, RouteStatusSnapshot Statuses)
{
    /// <summary>Larger in each later snapshot: both parts only grow.</summary>
    public long Generation => Leases.Generation + Statuses.Generation;
}
