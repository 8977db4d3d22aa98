using Flannel.Core;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Registry;

/// <summary>Watches the leases of all Nodes and the network configuration. Thread-safe.</summary>
public sealed class KubeLeaseWatcher
{
    private readonly KubeContext context;
    private readonly NetConfFile netConf;
    private readonly NodeTable<NodeLease> table;
    private readonly Dictionary<string, string> loggedProblems = new(StringComparer.Ordinal);

    public KubeLeaseWatcher(KubeContext context, NetConfFile netConf)
    {
        (this.context, this.netConf) = (context, netConf);
        table = new NodeTable<NodeLease>(context.Time, Read);
    }

    /// <summary>Runs until it is cancelled. No failure of the API server ends it.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task[] running = [new NodeWatcher(context, name: null).RunAsync(table, stop.Token), WatchConfigAsync(stop.Token)];
        try
        {
            // Both end only by cancellation or by an internal error, which must not be lost.
            await await Task.WhenAny(running);
        }
        finally
        {
            stop.Cancel();
            foreach (var task in running) await task.ConfigureAwait(TaskWait.IgnoringFailure);
        }
    }

    /// <summary>Runs while the snapshots are read, and returns each newest one.</summary>
    public IAsyncEnumerable<LeaseSnapshot> WatchAsync(CancellationToken cancellation)
    {
        long seen = 0;
        return SnapshotStream.FollowAsync(RunAsync, NextAsync, cancellation);

        async Task<LeaseSnapshot> NextAsync(CancellationToken stop)
        {
            await table.ChangedAfterAsync(seen, stop);
            var newest = await CurrentAsync(stop);
            seen = newest.Generation;
            return newest;
        }
    }

    /// <summary>The newest snapshot; waits for the first list.</summary>
    public async ValueTask<LeaseSnapshot> CurrentAsync(CancellationToken cancellation)
    {
        var content = await table.CurrentAsync(cancellation);
        return new LeaseSnapshot(
            (netConf.Read().Config as ConfigState.Present)?.Config,
            [
                // Two Nodes may have one podCIDR and be created within one second.
                .. content.Values.OfType<NodeLease.Leased>().Select(leased => leased.Lease).OrderBy(lease => lease.Subnet)
                    .ThenBy(lease => lease.Identity.Order).ThenBy(lease => ((KubeLeaseIdentity)lease.Identity).Node, StringComparer.Ordinal),
            ],
            content.Revision, !content.Values.OfType<NodeLease.Unreadable>().Any())
        {
            Generation = content.Generation,
            Listing = content.Listing,
        };
    }

    /// <summary>Returns when there is a later snapshot than that of this <see cref="LeaseSnapshot.Generation"/>.</summary>
    public Task ChangedAfterAsync(long seenGeneration, CancellationToken cancellation) =>
        table.ChangedAfterAsync(seenGeneration, cancellation);

    private async Task WatchConfigAsync(CancellationToken cancellation)
    {
        var revision = netConf.Read().Revision;
        while (true)
        {
            await netConf.WaitForChangeAsync(revision, Timeout.InfiniteTimeSpan, cancellation);
            revision = netConf.Read().Revision;
            table.MarkChanged();
        }
    }

    /// <summary>Called by the watcher alone.</summary>
    private NodeLease? Read(KubeNode node)
    {
        var lease = context.Leases.Read(node);
        LogProblem(node.Name, lease);
        return lease is NodeLease.None ? null : lease;
    }

    /// <summary>Once for each problem of a node, until it has another one or none.</summary>
    private void LogProblem(string node, NodeLease lease)
    {
        if (loggedProblems.GetValueOrDefault(node) == lease.Problem) return;
        if (lease.Problem is not { } problem)
        {
            loggedProblems.Remove(node);
            return;
        }

        loggedProblems[node] = problem;
        if (lease is NodeLease.Unreadable) KubeLog.UnreadableLease(context.Logger, node, problem);
        else KubeLog.UnusableLease(context.Logger, node, problem);
    }
}
