using System.Collections.Concurrent;
using Flannel.AliCloud;
using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.RouteController.Abstractions;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Status;

namespace Flannel.RouteController;

/// <summary>Reconciles the routes of all VPCs of a cluster while this node is elected. It groups the leases by VPC and runs one
/// <see cref="VpcReconciler"/> for each, so that no VPC waits for another.</summary>
public sealed class ClusterReconciler(
    RouteControllerOptions options, ILeaseSource leases, ICloudApi api, ControllerContext context)
{
    private static readonly TimeSpan FirstStatusRetry = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestStatusRetry = TimeSpan.FromMinutes(1);

    private readonly RateLimitedCloudApi limitedApi = new(api, context.Time);
    private readonly ConcurrentDictionary<VpcId, VpcReconciler> reconcilers = new();

    private volatile LeaseSnapshot? newestLeases;

    /// <summary>The state of all VPCs now. Empty between terms. Thread-safe.</summary>
    public ControllerSnapshot Snapshot => ControllerSnapshot.Of(reconcilers.Values.Select(reconciler => reconciler.Snapshot)) with
    {
        Subnets = newestLeases is { Config: { } config } snapshot ? SubnetUsage.Of(config, snapshot.Leases) : null,
    };

    /// <summary>Works until the term ends, and returns why. Throws only what the lease source or the term throw, and internal
    /// errors.</summary>
    public async Task<TermResult> RunAsync(IElectedTerm term, CancellationToken cancellation)
    {
        using var termEnded = CancellationTokenSource.CreateLinkedTokenSource(term.Lost, cancellation);
        var result = await RunAsync(term, termEnded, cancellation);
        RouteControllerLog.TermEnds(context.Log, result.ToString());
        return result;
    }

    private async Task<TermResult> RunAsync(IElectedTerm term, CancellationTokenSource termEnded, CancellationToken stop)
    {
        try
        {
            await using var tasks = new TermTasks(termEnded.Token);
            tasks.Start(WatchLeasesAsync);
            tasks.Start(token => ReconcileAsync(term, token));
            return await tasks.FirstResultAsync();
        }
        catch (OperationCanceledException) when (termEnded.IsCancellationRequested)
        {
            return stop.IsCancellationRequested && !term.Lost.IsCancellationRequested ? new TermResult.Stopped() : new TermResult.Lost();
        }
        finally
        {
            reconcilers.Clear();
            newestLeases = null;
        }
    }

    /// <summary>Ends only with an exception: without the watch the controller would act on an outdated snapshot.</summary>
    private async Task<TermResult> WatchLeasesAsync(CancellationToken cancellation)
    {
        await leases.RunAsync(cancellation);
        cancellation.ThrowIfCancellationRequested();
        throw new InvalidOperationException("the watch of the leases has ended");
    }

    private async Task<TermResult> ReconcileAsync(IElectedTerm term, CancellationToken cancellation)
    {
        using var statuses = new PublishedStatusCache(term.Statuses, context.Time);
        var readingCluster = term.ReadClusterIdAsync(cancellation).AsTask();
        var readingAbsences = term.ReadAbsentLeasesAsync(cancellation).AsTask();
        var snapshot = await leases.CurrentAsync(cancellation);
        await Task.WhenAll(readingCluster, readingAbsences, statuses.ReadAsync(snapshot.Leases, cancellation));
        var cluster = await readingCluster;
        var absences = new AbsentLeaseTracker(cluster, context.Time);
        absences.Load(await readingAbsences);
        RouteControllerLog.TermBegins(
            context.Log, cluster.Value, Plural.Of(snapshot.Leases.Count, "lease"), Plural.Of(DesiredVpcState.Group(snapshot).Count, "VPC"),
            snapshot.Revision);

        var termContext = new TermContext(term, OwnershipMark.Of(cluster), statuses, absences, limitedApi, context.Loops)
        {
            Observer = context.Observer,
        };
        await using var tasks = new TermTasks(cancellation);
        tasks.Start(token => RereadStatusesAsync(statuses, token));
        tasks.Start(token => RetryRejectedStatusesAsync(statuses, token));
        tasks.Start(token => WriteAbsencesAsync(term, absences, token));
        return await AssignAsync(termContext, snapshot, tasks, cancellation);
    }

    /// <summary>Hands every snapshot of the leases to the reconcilers, and starts one for each new VPC.</summary>
    private async Task<TermResult> AssignAsync(TermContext term, LeaseSnapshot snapshot, TermTasks tasks, CancellationToken cancellation)
    {
        var history = new LeaseHistory(context.Time);
        while (true)
        {
            history.Observe(snapshot);
            newestLeases = snapshot;
            foreach (var started in Assign(snapshot, history, term)) tasks.Start(started.RunAsync);
            if (await tasks.FirstResultUnlessAsync(ChangeAfterAsync(snapshot, cancellation)) is { } result) return result;
            snapshot = await leases.CurrentAsync(cancellation);
        }
    }

    /// <summary>A task that completes in the caller's synchronization context, for <see cref="Task.WhenAny(IEnumerable{Task})"/>.</summary>
    private async Task ChangeAfterAsync(LeaseSnapshot snapshot, CancellationToken cancellation) =>
        await leases.ChangedAfterAsync(snapshot.Generation, cancellation);

    /// <summary>Stores how long leases have been absent: that must outlive the term.</summary>
    private async Task<TermResult> WriteAbsencesAsync(IElectedTerm term, AbsentLeaseTracker absences, CancellationToken cancellation)
    {
        while (true)
        {
            await Task.Delay(AbsentLeaseTracker.WriteInterval, context.Time, cancellation);
            if (absences.TakeDocument() is { } document && !await term.WriteAbsentLeasesAsync(document, cancellation))
                return new TermResult.Lost();
        }
    }

    /// <summary>Finds statuses that another program deleted. The next pass publishes them again.</summary>
    private async Task<TermResult> RereadStatusesAsync(PublishedStatusCache statuses, CancellationToken cancellation)
    {
        while (true)
        {
            await Task.Delay(options.Resync, context.Time, cancellation);
            var snapshot = await leases.CurrentAsync(cancellation);
            await statuses.ReadAsync(snapshot.Leases, cancellation);
        }
    }

    /// <summary>Publishes rejected statuses again. A status stays rejected until an operator corrects the cause, or the node gets another
    /// lease.</summary>
    private async Task<TermResult> RetryRejectedStatusesAsync(PublishedStatusCache statuses, CancellationToken cancellation)
    {
        var backoff = new Backoff(FirstStatusRetry, LongestStatusRetry, new Random(context.Random.Next()));
        while (true)
        {
            if (!await statuses.Rejections.WaitAsync(LongestStatusRetry, cancellation)) continue;
            var isWritten = false;
            while (!isWritten)
            {
                await Task.Delay(backoff.Next(), context.Time, cancellation);
                var snapshot = await leases.CurrentAsync(cancellation);
                isWritten = await statuses.RetryAsync(snapshot.Leases, cancellation);
            }

            backoff.Reset();
        }
    }

    /// <returns>The reconcilers of new VPCs, to be started when all of them exist.</returns>
    private List<VpcReconciler> Assign(LeaseSnapshot snapshot, LeaseHistory history, TermContext term)
    {
        var started = new List<VpcReconciler>();
        var states = DesiredVpcState.Group(snapshot);
        foreach (var (vpc, leased) in states)
        {
            var desired = history.AddTo(leased);
            if (reconcilers.TryGetValue(vpc, out var reconciler))
            {
                if (!reconciler.Desired.HasSameContent(desired)) reconciler.Update(desired);
                continue;
            }

            var random = new Random(context.Random.Next());
            var vpcContext = new VpcContext(vpc, limitedApi, context.Time, random, context.Log)
            {
                PlanLog = context.PlanLog,
                TransitionTime = context.TransitionTimes.Of(vpc),
                EntriesPerPage = options.EntriesPerPage,
            };
            reconciler = new VpcReconciler(desired, options, term, vpcContext, TermEnd);
            reconcilers[vpc] = reconciler;
            started.Add(reconciler);
        }

        foreach (var (vpc, reconciler) in reconcilers)
        {
            if (!states.ContainsKey(vpc)) reconciler.Update(history.AddTo(reconciler.Desired.WithoutNodes(snapshot)));
        }

        return started;
    }

    /// <summary>A VPC without access ends the term only if no VPC with nodes has access.</summary>
    /// <returns>The result of the term; null while it continues.</returns>
    private TermResult? TermEnd()
    {
        var withNodes = reconcilers.Values.Where(reconciler => reconciler.Desired.Nodes.Count > 0).ToList();
        return withNodes.Count > 0 && withNodes.All(reconciler => reconciler.Health is VpcHealth.Unusable)
            ? ((VpcHealth.Unusable)withNodes[0].Health).Result
            : null;
    }
}
