using Flannel.Core;
using Flannel.Core.Leases;

namespace Flanneld.Node;

/// <summary>The node's loop while it holds a lease: applies each event to the state in order, and reconciles the host, until the lease is
/// lost.</summary>
/// <param name="loops">Monitors this loop.</param>
internal sealed class NodeLoop(
    NodeReadiness readiness, HostReconciler host, ClusterChanges changes, WatchdogKeepAlive watchdog, LivenessMonitor loops,
    TimeProvider time)
{
    // One event's work: the subnet file and nft, each with a time-out.
    private static readonly TimeSpan LongestWork = TimeSpan.FromMinutes(10);

    /// <param name="keepLease">Keeps the lease while its events are read.</param>
    /// <returns>Why the node must end.</returns>
    public async Task<string> RunAsync(Func<CancellationToken, IAsyncEnumerable<LeaseEvent>> keepLease, CancellationToken cancellation)
    {
        using var monitored = loops.Begin("the node's loop", LongestWork);
        await host.ReconcileAsync(cancellation);
        await using var events = new LeaseEventReader(keepLease, cancellation);
        var next = events.MoveNextAsync();
        while (true)
        {
            await WaitAsync(next, monitored, cancellation);
            monitored.Busy();
            watchdog.Send();
            changes.ApplyVacancy(readiness);
            if (!next.IsCompleted)
            {
                await host.ReconcileAsync(cancellation);
                continue;
            }

            if (!await next) return "the lease is no longer kept";
            Apply(events.Current);
            await host.ReconcileAsync(cancellation);
            if (readiness.State.LeaseState == LeaseState.Lost) return NodeStatus.EndReason(readiness.State);
            next = events.MoveNextAsync();
        }
    }

    private void Apply(LeaseEvent change)
    {
        changes.Report(change);
        readiness.Apply(new NodeEvent.LeaseChanged(change));
    }

    private async Task WaitAsync(Task<bool> next, MonitoredLoop monitored, CancellationToken cancellation)
    {
        if (next.IsCompleted) return;
        var wait = watchdog.Shorter(HostReconciler.Interval);
        monitored.Idle(wait);
        try
        {
            Task awaited = host.ForwardingChanged is { } changed ? Task.WhenAny(next, changed) : next;
            await TaskWait.WaitAsync(awaited, wait, time, cancellation);
        }
        catch (OperationCanceledException)
        {
            // The same cancellation ends the lease keeper, and with it the wait for the next event.
            await ((Task)next).ConfigureAwait(TaskWait.IgnoringFailure);
        }
    }
}
