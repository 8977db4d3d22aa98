using Flannel.Core;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Registry;

/// <summary>Watches the leases of all Nodes and the network configuration. Thread-safe.</summary>
public sealed class KubeLeaseWatcher
{
    private readonly KubeContext context;
    private readonly NetConfFile netConf;
    private readonly NodeTable<NodeLease> table;
    private readonly Dictionary<string, string> loggedProblems = new(StringComparer.Ordinal);
    private volatile IReadOnlyList<Lease> endedBefore = [];

    public KubeLeaseWatcher(KubeContext context, NetConfFile netConf)
    {
        (this.context, this.netConf) = (context, netConf);
        table = new NodeTable<NodeLease>(context.Time, Read);
    }

    /// <summary>Of the route controller; null for a node.</summary>
    internal VersionHistory? Versions { get; init; }

    /// <summary>Runs until it is cancelled. No failure of the API server ends it.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var watcher = new NodeWatcher(context, name: null)
        {
            // A list from a cache that is older than that version would lack nodes that exist.
            NewestKnown = () => Versions?.Former,
            OnRead = version => Versions?.Add(version),
        };
        Task[] running = [watcher.RunAsync(table, stop.Token), WatchConfigAsync(stop.Token), FindEndedAsync(stop.Token)];
        try
        {
            // They end only by cancellation or by an internal error, which must not be lost.
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
                    .ThenBy(lease => lease.Identity.Order)
                    .ThenBy(lease => ((KubeLeaseIdentity)lease.Identity).Node, StringComparer.Ordinal),
            ],
            content.Revision, !content.Values.OfType<NodeLease.Unreadable>().Any())
        {
            Generation = content.Generation,
            Listing = content.Listing,
            // Between two listings the API server may have been restored from a backup.
            EndedBefore = content.Listing == 1 ? endedBefore : [],
        };
    }

    /// <summary>Returns when there is a later snapshot than that of this <see cref="LeaseSnapshot.Generation"/>.</summary>
    public Task ChangedAfterAsync(long seenGeneration, CancellationToken cancellation) =>
        table.ChangedAfterAsync(seenGeneration, cancellation);

    /// <summary>Finds the leases that ended since the time that the former route controller has left. Ends only by cancellation.</summary>
    private async Task FindEndedAsync(CancellationToken cancellation)
    {
        if (Versions?.Former is { } former && await FindAtAsync(former, cancellation) is { Count: > 0 } before)
        {
            var content = await table.CurrentAsync(cancellation);
            // Otherwise it was restored from a backup meanwhile.
            if (content.Revision >= ResourceVersion.Parse(former))
            {
                var current = content.Values.OfType<NodeLease.Leased>().Select(leased => leased.Lease.Identity).ToHashSet();
                endedBefore = [.. before.Where(lease => !current.Contains(lease.Identity))];
                if (endedBefore.Count > 0) table.MarkChanged();
            }
        }

        await Task.Delay(Timeout.InfiniteTimeSpan, context.Time, cancellation);
    }

    /// <summary>The leases at a resource version; null if etcd does not have it any more, or the request fails. Then the routes of ended
    /// leases are deleted later.</summary>
    private async Task<IReadOnlyList<Lease>?> FindAtAsync(string version, CancellationToken cancellation)
    {
        try
        {
            var request = new NodeListRequest { ResourceVersion = version, IsExact = true };
            var nodes = await NodeList.ReadAsync(context.Api, request, cancellation);
            return [.. nodes.Nodes.Select(context.Leases.Read).OfType<NodeLease.Leased>().Select(leased => leased.Lease)];
        }
        catch (KubeException e)
        {
            KubeLog.FormerNodesNotRead(context.Logger, version, e.Message);
            return null;
        }
    }

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
