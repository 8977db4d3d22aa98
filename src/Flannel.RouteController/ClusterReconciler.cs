using System.Collections.Concurrent;
using Flannel.AliCloud;
using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Status;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController;

/// <summary>The only writer of routes, for as long as its node holds the election: follows the leases, groups them by VPC, and has one
/// <see cref="VpcReconciler"/> work on each, so that no VPC waits for another.</summary>
/// <param name="loops">Who wants to know whether one of its loops hangs; null for nobody.</param>
public sealed class ClusterReconciler(
    RouteControllerOptions options, ILeaseSource leases, ICloudApi api, TimeProvider time, Random random, ILogger log, LivenessMonitor? loops = null)
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromMinutes(1);

    private readonly LivenessMonitor loops = loops ?? new LivenessMonitor(time);
    private readonly RateLimitedCloudApi paced = new(api, time);
    private readonly ConcurrentDictionary<VpcId, VpcReconciler> reconcilers = new();

    /// <summary>What is known now; empty between terms.</summary>
    public RouteReport Report => RouteReport.Of(reconcilers.Values.Select(reconciler => reconciler.Report));

    /// <summary>Works for one term, and says why it ended. Throws only what the lease view or the term throw.</summary>
    public async Task<TermResult> RunAsync(IRouteControllerTerm term, CancellationToken cancellation)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(term.Lost, cancellation);
        var end = await RunAsync(term, over, cancellation);
        RouteControllerLog.TermEnds(log, end.ToString());
        return end;
    }

    private async Task<TermResult> RunAsync(IRouteControllerTerm term, CancellationTokenSource over, CancellationToken stop)
    {
        var ended = new TaskCompletionSource<TermResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        var tasks = new ConcurrentBag<Task>();
        using var board = new PublishedStatusCache(term, time);
        await using var lost = over.Token.Register(() => ended.TrySetResult(
            stop.IsCancellationRequested && !term.Lost.IsCancellationRequested ? new TermResult.Stopped() : new TermResult.Lost()));
        try
        {
            tasks.Add(WatchedAsync(WorkAsync(term, board, tasks, ended, over.Token), ended, over.Token));
            return await ended.Task;
        }
        finally
        {
            over.Cancel();
            while (tasks.TryTake(out var task)) await task;
            reconcilers.Clear();
        }
    }

    private async Task WorkAsync(
        IRouteControllerTerm term, PublishedStatusCache board, ConcurrentBag<Task> tasks, TaskCompletionSource<TermResult> ended, CancellationToken cancellation)
    {
        var cluster = await term.ReadClusterIdAsync(cancellation);
        var absences = new LeaseAbsences(cluster, time);
        absences.Load(await term.ReadAbsentLeasesAsync(cancellation));
        var snapshot = await leases.CurrentAsync(cancellation);
        await board.ReadAsync(snapshot.Leases, cancellation);
        RouteControllerLog.TermBegins(log, cluster.Value, snapshot.Leases.Count, DesiredVpcState.Group(snapshot).Count, snapshot.Revision);
        tasks.Add(WatchedAsync(RereadAsync(board, cancellation), ended, cancellation));
        tasks.Add(WatchedAsync(RetryRefusedAsync(board, cancellation), ended, cancellation));
        tasks.Add(WatchedAsync(WriteAbsencesAsync(term, absences, ended, cancellation), ended, cancellation));
        await FollowAsync(new TermContext(term, OwnershipMark.Of(cluster), board, absences), snapshot, tasks, ended, cancellation);
    }

    private async Task FollowAsync(
        TermContext term, LeaseSnapshot snapshot, ConcurrentBag<Task> tasks, TaskCompletionSource<TermResult> ended,
        CancellationToken cancellation)
    {
        var endings = new LeaseEndings(time);
        var releases = new ListedReleases(time);
        while (true)
        {
            endings.Observe(snapshot);
            releases.Observe(snapshot);
            foreach (var started in Offer(snapshot, endings, releases, term, ended))
            {
                tasks.Add(WatchedAsync(RunAsync(started, ended, cancellation), ended, cancellation));
            }

            await leases.ChangedAfterAsync(snapshot.Generation, cancellation);
            snapshot = await leases.CurrentAsync(cancellation);
        }
    }

    /// <summary>What is known of missing leases outlives the term.</summary>
    private async Task WriteAbsencesAsync(
        IRouteControllerTerm term, LeaseAbsences absences, TaskCompletionSource<TermResult> ended, CancellationToken cancellation)
    {
        while (true)
        {
            await Task.Delay(LeaseAbsences.WriteEvery, time, cancellation);
            if (absences.TakeDocument() is { } document && !await term.WriteAbsentLeasesAsync(document, cancellation))
                ended.TrySetResult(new TermResult.Lost());
        }
    }

    /// <summary>Statuses that somebody deleted are found at the pace of the tables, and written again.</summary>
    private async Task RereadAsync(PublishedStatusCache board, CancellationToken cancellation)
    {
        while (true)
        {
            await Task.Delay(options.Resync, time, cancellation);
            var snapshot = await leases.CurrentAsync(cancellation);
            await board.ReadAsync(snapshot.Leases, cancellation);
        }
    }

    /// <summary>Statuses that etcd refuses to write wait for an operator, or for the node's next lease.</summary>
    private async Task RetryRefusedAsync(PublishedStatusCache board, CancellationToken cancellation)
    {
        var pauses = new Backoff(FirstRetry, LongestRetry, new Random(random.Next()));
        while (true)
        {
            if (!await board.Refusals.WaitAsync(LongestRetry, cancellation)) continue;
            var isWritten = false;
            while (!isWritten)
            {
                await Task.Delay(pauses.Next(), time, cancellation);
                var snapshot = await leases.CurrentAsync(cancellation);
                isWritten = await board.RetryAsync(snapshot.Leases, cancellation);
            }

            pauses.Reset();
        }
    }

    /// <summary>Hands each VPC its part. Those that are new are returned, to be started when all of them exist.</summary>
    private List<VpcReconciler> Offer(
        LeaseSnapshot snapshot, LeaseEndings endings, ListedReleases releases, TermContext term, TaskCompletionSource<TermResult> ended)
    {
        var started = new List<VpcReconciler>();
        var views = DesiredVpcState.Group(snapshot);
        foreach (var (vpc, leased) in views)
        {
            var view = WithHistory(leased);
            if (reconcilers.TryGetValue(vpc, out var reconciler))
            {
                if (!reconciler.View.SaysTheSameAs(view)) reconciler.Offer(view);
                continue;
            }

            reconciler = new VpcReconciler(view, options, term, paced, time, new Random(random.Next()), log, loops, () => Judge(ended));
            reconcilers[vpc] = reconciler;
            started.Add(reconciler);
        }

        foreach (var (vpc, reconciler) in reconcilers)
        {
            if (!views.ContainsKey(vpc)) reconciler.Offer(WithHistory(reconciler.View.WithoutNodes(snapshot)));
        }

        return started;

        DesiredVpcState WithHistory(DesiredVpcState view) => view with
        {
            Ended = [.. endings.All.Where(lease => lease.Vpc == view.Vpc)],
            EndedRecently = [.. endings.Recent.Where(lease => lease.Vpc == view.Vpc)],
            ListedReleases = [.. releases.All.Where(release => release.Vpc == view.Vpc)],
        };
    }

    private static async Task RunAsync(VpcReconciler reconciler, TaskCompletionSource<TermResult> ended, CancellationToken cancellation)
    {
        await reconciler.RunAsync(cancellation);
        ended.TrySetResult(new TermResult.Lost());
    }

    /// <summary>A VPC that cannot be worked on ends the term only when there is no other that can.</summary>
    private void Judge(TaskCompletionSource<TermResult> ended)
    {
        var busy = reconcilers.Values.Where(reconciler => reconciler.View.Nodes.Count > 0).ToList();
        if (busy.Count > 0 && busy.All(reconciler => reconciler.Health is VpcHealth.Hopeless))
        {
            ended.TrySetResult(((VpcHealth.Hopeless)busy[0].Health).End);
        }
    }

    /// <summary>The end of the work by cancellation is no news; by anything else it ends the term.</summary>
    private static async Task WatchedAsync(Task work, TaskCompletionSource<TermResult> ended, CancellationToken cancellation)
    {
        try
        {
            await work;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Asked for.
        }
        catch (Exception e)
        {
            ended.TrySetException(e);
        }
    }
}
