using Flannel.AliCloud.Http;
using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Status;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController;

/// <summary>Keeps one VPC's tables as the leases want them, for one term. One loop: look at what is stale, plan from what is known, tell
/// the nodes, make at most one call that writes, wait for it to settle, look again. Whatever came of a call, the next look shows it.</summary>
internal sealed class VpcReconciler
{
    /// <summary>How long entries in transition hold up the next write: the API would refuse it. Beyond that it is asked anyway.</summary>
    private static readonly TimeSpan SettlePatience = TimeSpan.FromSeconds(10);

    /// <summary>A pause for the cloud's sake that is longer than this is cut short by news.</summary>
    private static readonly TimeSpan ShortPause = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);

    private static readonly TimeSpan ProofRetry = TimeSpan.FromSeconds(5);

    /// <summary>Of a step, or of a look at the interfaces: some calls, each of which may first wait for as long as the server says (5 minutes
    /// at the most) and then for its time-out.</summary>
    internal static readonly TimeSpan LongestWork = TimeSpan.FromMinutes(30);

    private readonly VpcId vpc;
    private readonly RouteControllerOptions options;
    private readonly TermContext term;
    private readonly RateLimitedCloudApi api;
    private readonly TimeProvider time;
    private readonly Random random;
    private readonly ILogger log;
    private readonly LivenessMonitor loops;
    private readonly Action told;

    private readonly AsyncAutoResetEvent signal;
    private readonly VpcTables tables;
    private readonly VpcEntries entries;
    private readonly RouteFailures troubles;
    private readonly StaleRoutes stale;
    private readonly DeletionBrake brake;
    private readonly SharedClusterDetector shared;
    private readonly RouteWriter writer;
    private readonly InterfaceChecks checks;
    private readonly StatusDebouncer statuses;
    private readonly CidrConflicts overlaps;
    private readonly RouteQuota quota;
    private readonly VpcPlanner planner;
    private readonly RouteStatusPublisher words;
    private readonly VpcReader reader;
    private readonly VpcBackoff reading;
    private readonly VpcBackoff writing;
    private readonly PollBackoff polls;

    private volatile DesiredVpcState offered;
    private long writeNotBefore;
    private long deleteNotBefore;
    private long? settlingSince;
    private long resyncAt;
    private int resyncs;
    private long? incompleteSince;
    private DateTimeOffset? lastReconcile;
    private volatile RouteReport report = RouteReport.Empty;

    public VpcReconciler(
        DesiredVpcState view, RouteControllerOptions options, TermContext term, RateLimitedCloudApi api, TimeProvider time,
        Random random, ILogger log, LivenessMonitor loops, Action told)
    {
        (vpc, offered, this.options, this.term, this.api) = (view.Vpc, view, options, term, api);
        (this.time, this.random, this.log, this.loops, this.told) = (time, random, log, loops, told);
        signal = new AsyncAutoResetEvent(time);
        tables = new VpcTables(vpc, options.RouteTableIds, api, log);
        entries = new VpcEntries(vpc, api, time, random);
        troubles = new RouteFailures(time, random);
        stale = new StaleRoutes(options.StaleGrace, term.Absences, time);
        brake = new DeletionBrake(vpc, time, log);
        shared = new SharedClusterDetector(vpc, term.Mark, time, log);
        writer = new RouteWriter(vpc, api, term.Mark, troubles, time, random, log);
        writer.Deleted += shared.Deleted;
        checks = new InterfaceChecks(vpc.RegionId, api, time, new Random(random.Next()), log, loops, signal.Set);
        statuses = new StatusDebouncer(options, term.Board, time);
        reading = new VpcBackoff(options.UnreachableLimit, time, random);
        writing = new VpcBackoff(options.UnreachableLimit, time, random);
        reader = new VpcReader(vpc, tables, entries, reading, time, random, log);
        overlaps = new CidrConflicts(vpc, api, term.Term, log);
        quota = new RouteQuota(vpc, api, time, log);
        planner = new VpcPlanner(
            term.Mark, tables, entries, stale, troubles, quota, writer, new ForeignEntries(vpc, term.Mark, log), shared, time);
        words = new RouteStatusPublisher(tables, entries, troubles, overlaps, checks, statuses, term.Board);
        polls = new PollBackoff(random);
        resyncAt = time.GetTimestamp() + Ticks(Jittered(options.Resync));
        Offer(view);
    }

    public DesiredVpcState View => offered;

    public RouteReport Report { get => report; private set => report = value; }

    public VpcHealth Health => reading.Health is VpcHealth.Fine ? writing.Health : reading.Health;

    /// <summary>A newer view.</summary>
    public void Offer(DesiredVpcState view)
    {
        offered = view;
        checks.Follow(view.Nodes.Select(node => node.Node.NetworkInterfaceId));
        signal.Set();
    }

    /// <summary>Never ends but by cancellation, or when the term turns out to be over.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var loop = loops.Begin($"the route controller's loop of {vpc}", LongestWork);
        var checking = checks.RunAsync(both.Token);
        try
        {
            // The first node of a VPC seldom comes alone.
            await GatherAsync(cancellation);
            while (true)
            {
                signal.Clear();
                loop.Busy();
                if (await StepAsync(cancellation) is not { } next) return;
                // It ends by an internal error only, which may be a cancellation that nobody asked for.
                if (checking.IsCompleted) await checking;
                loop.Idle(next.Pause);
                if (!next.NewsCutsItShort) await Task.Delay(next.Pause, time, cancellation);
                else if (await signal.WaitAsync(next.Pause, cancellation)) await GatherAsync(cancellation);
            }
        }
        finally
        {
            both.Cancel();
            try
            {
                await checking;
            }
            catch (OperationCanceledException)
            {
                // Asked for just above.
            }
        }
    }

    /// <summary>Lets nodes that join together share a call: until it is quiet, but not for long.</summary>
    private async Task GatherAsync(CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        while (await signal.WaitAsync(options.Quiet, cancellation) && time.GetElapsedTime(began) < options.LongestGathering)
        {
        }
    }

    private sealed record Next(TimeSpan Pause, bool NewsCutsItShort)
    {
        public static readonly Next Now = new(TimeSpan.Zero, false);
    }

    /// <summary>What to wait for before the next step; null when the term is over.</summary>
    private async Task<Next?> StepAsync(CancellationToken cancellation)
    {
        RefreshWhatIsDue();
        await reader.ReadAsync(offered, cancellation);
        var view = offered;
        if (!tables.Knows(view) && !IsLater(reader.NotBefore)) return Next.Now;
        var plans = planner.Plan(view);
        brake.Observe(view, [.. plans.Values.SelectMany(steps => steps)]);
        if (!await words.PublishAsync(view, plans, reading.ForNodes ?? writing.ForNodes, cancellation)) return null;
        // Only now: what ends the term has been told to the nodes.
        told();
        var next = await ActAsync(view, plans, cancellation);
        Report = MakeReport(plans);
        return next;
    }

    private void RefreshWhatIsDue()
    {
        if (IsLater(resyncAt)) return;
        resyncAt = time.GetTimestamp() + Ticks(Jittered(options.Resync));
        var slowly = ++resyncs % options.SlowResyncs == 0;
        reader.Resync(slowly);
        if (!slowly) return;
        overlaps.Recheck();
        checks.Recheck();
    }

    /// <summary>At most one call that writes.</summary>
    private async Task<Next?> ActAsync(DesiredVpcState view, Dictionary<string, IReadOnlyList<RouteAction>> plans, CancellationToken cancellation)
    {
        var steps = plans.Where(plan => entries.ErrorOf(plan.Key) is null).SelectMany(plan => plan.Value).ToList();
        var settling = steps.Where(step => step is RouteAction.Wait || writer.IsOnItsWay(step)).Select(step => step.RouteTableId).Distinct().ToList();
        entries.Invalidate(settling);
        if (settling.Count == 0)
        {
            settlingSince = null;
            polls.Reset();
        }
        else
        {
            settlingSince ??= time.GetTimestamp();
            if (time.GetElapsedTime(settlingSince.Value) < SettlePatience) return ForTheCloud(polls.Next());
        }

        var deletable = Deletable(view, steps);
        var write = IsLater(writeNotBefore) ? null
            : writer.Choose(steps, create => overlaps.RefusalOf(create.Destination) is not null, create => overlaps.FitsBatch(create.Destination),
                IsLater(deleteNotBefore) ? [] : deletable);
        if (write is null)
        {
            if (settling.Count > 0) return ForTheCloud(polls.Next());
            // The ranges that new nodes have to avoid are published even where nothing is created in this term.
            if (overlaps.IsDue && !IsLater(reader.NotBefore)) await overlaps.LookAsync(view, cancellation);
            NoteProgress(steps);
            await quota.AskWhenDueAsync(cancellation);
            return Idle(steps);
        }

        // Waited for here and not within the call: the entries and the proof that it is based on would be too old by then.
        if (api.DelayOf(vpc.RegionId, write.Action) is var delay && delay > TimeSpan.Zero) return ForTheCloud(delay);
        if (!entries.AreFresh(write.TableIds))
        {
            entries.Invalidate(write.TableIds);
            // A table that is not followed is never read: the next pass would find the same.
            return IsLater(reader.NotBefore) || !entries.Follows(write.TableIds) ? Idle(steps) : Next.Now;
        }

        if (overlaps.IsDue && write is RouteWrite.CreateMany or RouteWrite.CreateOne)
        {
            return await overlaps.LookAsync(view, cancellation) is { } error ? ForTheCloud(reader.Fail(error)) : Next.Now;
        }

        if (write is RouteWrite.DeleteMany deletion)
        {
            if (!await IsProvenAsync(deletion, cancellation))
            {
                deleteNotBefore = time.GetTimestamp() + Ticks(ProofRetry);
                return Next.Now;
            }

            // A lease may have come while etcd was asked.
            if (!ReferenceEquals(view, offered)) return Next.Now;
            brake.Note(deletion.Routes);
        }

        if (term.Term.Lost.IsCancellationRequested) return null;
        incompleteSince ??= time.GetTimestamp();
        var failure = await writer.WriteAsync(write, cancellation);
        entries.Invalidate(write.TableIds);
        polls.Reset();
        // Re-pointing alone may be denied where creating is not: then it is the trouble of those routes.
        if (failure is null || (failure.Kind == CloudErrorKind.Denied && write is RouteWrite.UpdateOne && writer.HasSucceeded))
        {
            if (failure is null) writing.Recover(vpc, log);
            return ForTheCloud(polls.Next());
        }

        var pause = writing.Fail(failure, isNextDifferent: writer.HasShrunk);
        writeNotBefore = time.GetTimestamp() + Ticks(pause);
        VpcBackoff.Tell(vpc, failure, pause, log);
        return failure.Kind == CloudErrorKind.Denied ? Next.Now : ForTheCloud(pause);
    }

    /// <summary>The routes that their nodes released, and the stale ones with evidence that are not held.</summary>
    private List<RouteAction.Delete> Deletable(DesiredVpcState view, List<RouteAction> steps)
    {
        var deletions = steps.OfType<RouteAction.Delete>().ToList();
        var due = shared.IsShared ? [] : deletions.Where(step => step.Released is null && stale.IsDue(step)).ToList();
        var released = deletions.Where(step => step.Released is { } node && HoldOf(node, view) <= TimeSpan.Zero);
        return [.. released, .. brake.Allow(due)];
    }

    /// <summary>How long a release is not acted on yet.</summary>
    private TimeSpan HoldOf(DesiredRoute released, DesiredVpcState view) =>
        view.ListedReleases.FirstOrDefault(release => release.LeaseKey == released.Key) is { } listed
            ? ListedReleases.Hold - time.GetElapsedTime(listed.At)
            : TimeSpan.Zero;

    /// <summary>One linearizable read of the term and of the leases that the deletion is based on: the view may be older than
    /// etcd.</summary>
    private async Task<bool> IsProvenAsync(RouteWrite.DeleteMany deletion, CancellationToken cancellation)
    {
        var proof = await term.Term.ProveAsync(
            [.. deletion.Routes.Where(step => step.Released is null).Select(step => step.Destination).Distinct()],
            [.. deletion.Routes.Select(step => step.Released?.Lease).OfType<Lease>().DistinctBy(lease => lease.Key)], cancellation);
        if (proof == TermProof.LeasesDiffer) RouteControllerLog.LeasesDiffer(log, vpc);
        else if (proof == TermProof.Unproven) RouteControllerLog.ElectionNotProved(log, vpc);
        return proof == TermProof.Proven;
    }

    private static Next ForTheCloud(TimeSpan pause) => new(pause, pause > ShortPause);

    private Next Idle(List<RouteAction> steps)
    {
        var now = time.GetTimestamp();
        long?[] moments = [resyncAt, reader.NotBefore, reader.ListNotBefore, steps.Count > 0 ? writeNotBefore : null, deleteNotBefore];
        TimeSpan?[] pauses =
        [
            troubles.NextRetry(), stale.NextDue(), brake.NextDue,
            IsLater(reader.NotBefore) ? null : entries.NextRetry(), statuses.NextDue,
            tables.HasOpenQuestions ? VpcReader.QuestionPause : null,
            .. offered.Leaving.Select(node => HoldOf(node, offered)).Where(left => left > TimeSpan.Zero).Select(left => (TimeSpan?)left),
            .. moments.Where(moment => moment > now).Select(moment => (TimeSpan?)time.GetElapsedTime(now, moment!.Value)),
        ];
        var pause = pauses.Where(left => left is not null).Select(left => left!.Value).Append(options.Resync).Min();
        return new Next(pause > Shortest ? pause : Shortest, true);
    }

    private void NoteProgress(List<RouteAction> steps)
    {
        if (reading.IsFailing || writing.IsFailing) return;
        if (reader.HasRead) lastReconcile = time.GetUtcNow();
        if (incompleteSince is not { } since || steps.Any(step => step is RouteAction.Create or RouteAction.Update)) return;
        incompleteSince = null;
        RouteControllerLog.AllStand(log, vpc, offered.Nodes.Count, tables.Serving.Count, (long)time.GetElapsedTime(since).TotalMilliseconds);
    }

    private RouteReport MakeReport(Dictionary<string, IReadOnlyList<RouteAction>> plans) =>
        new(statuses.Latest, planner.Foreign, planner.UseOf(vpc, plans.Keys), lastReconcile, writer.Counts)
        {
            HeldDeletions = brake.Held,
        };

    private bool IsLater(long moment) => moment > time.GetTimestamp();

    private long Ticks(TimeSpan pause) => (long)(pause.TotalSeconds * time.TimestampFrequency);

    /// <summary>Up to a tenth shorter, so that the controllers of an account do not march in step.</summary>
    private TimeSpan Jittered(TimeSpan span) => span * (0.9 + random.NextDouble() / 10);
}
