using Flannel.AliVpc.Api;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Microsoft.Extensions.Logging;

namespace Flannel.AliVpc.Control;

/// <summary>Keeps one VPC's tables as the leases want them, for one term. One loop: look at what is stale, plan from what is known, tell
/// the nodes, make at most one call that writes, wait for it to settle, look again. Whatever came of a call, the next look shows it.</summary>
internal sealed class VpcReconciler
{
    /// <summary>How long entries in transition hold up the next write: the API would refuse it. Beyond that it is asked anyway.</summary>
    private static readonly TimeSpan SettlePatience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan OpenQuestions = TimeSpan.FromSeconds(2);

    /// <summary>A pause for the cloud's sake that is longer than this is cut short by news.</summary>
    private static readonly TimeSpan ShortPause = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);
    private const int MostOverlapFailures = 3;

    private static readonly TimeSpan ProofRetry = TimeSpan.FromSeconds(5);

    private readonly VpcId vpc;
    private readonly RouteControllerOptions options;
    private readonly IControllerTerm term;
    private readonly ICloudApi api;
    private readonly StatusBoard board;
    private readonly TimeProvider time;
    private readonly Random random;
    private readonly ILogger log;
    private readonly Action told;

    private readonly Signal signal;
    private readonly VpcTables tables;
    private readonly VpcEntries entries;
    private readonly RouteTroubles troubles;
    private readonly StaleRoutes stale;
    private readonly RouteWriter writer;
    private readonly InterfaceChecks checks;
    private readonly NodeStatuses statuses;
    private readonly ForeignEntries foreign;
    private readonly VpcTroubles reading;
    private readonly VpcTroubles writing;
    private readonly PollPauses polls;

    private readonly HashSet<string> mentioned = [];

    private volatile VpcView offered;
    private OverlapCheck? overlap;
    private bool overlapDue = true;
    private int overlapFailures;
    private bool hasRead;
    private long readNotBefore;
    private long writeNotBefore;
    private long deleteNotBefore;
    private long? settlingSince;
    private long resyncAt;
    private int resyncs;
    private bool upkeepDue = true;
    private long? incompleteSince;
    private DateTimeOffset? lastReconcile;
    private volatile RouteReport report = RouteReport.Empty;

    public VpcReconciler(
        VpcView view, RouteControllerOptions options, IControllerTerm term, ICloudApi api, StatusBoard board, TimeProvider time,
        Random random, ILogger log, Action told)
    {
        (vpc, offered, this.options, this.term, this.api, this.board) = (view.Vpc, view, options, term, api, board);
        (this.time, this.random, this.log, this.told) = (time, random, log, told);
        signal = new Signal(time);
        tables = new VpcTables(vpc, options.RouteTableIds, api, log);
        entries = new VpcEntries(vpc, api, time, random);
        troubles = new RouteTroubles(time, random);
        stale = new StaleRoutes(options.StaleGrace, time);
        writer = new RouteWriter(vpc, api, troubles, stale, time, random, log);
        checks = new InterfaceChecks(vpc.RegionId, api, time, new Random(random.Next()), log, signal.Set);
        statuses = new NodeStatuses(options, board, time);
        foreign = new ForeignEntries(log);
        reading = new VpcTroubles(options.UnreachableLimit, time, random);
        writing = new VpcTroubles(options.UnreachableLimit, time, random);
        polls = new PollPauses(random);
        resyncAt = time.GetTimestamp() + Ticks(Jittered(options.Resync));
        Offer(view);
    }

    public VpcView View => offered;

    public RouteReport Report { get => report; private set => report = value; }

    public VpcHealth Health => reading.Health is VpcHealth.Fine ? writing.Health : reading.Health;

    /// <summary>A newer view.</summary>
    public void Offer(VpcView view)
    {
        offered = view;
        checks.Follow(view.Nodes.Select(node => node.Node.NetworkInterfaceId));
        signal.Set();
    }

    /// <summary>Never ends but by cancellation, or when the term turns out to be over.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var checking = checks.RunAsync(both.Token);
        try
        {
            while (true)
            {
                signal.Clear();
                if (await StepAsync(cancellation) is not { } next) return;
                if (checking.IsFaulted) await checking;
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

    private readonly record struct Next(TimeSpan Pause, bool NewsCutsItShort)
    {
        public static readonly Next Now = new(TimeSpan.Zero, false);
    }

    /// <summary>What to wait for before the next step; null when the term is over.</summary>
    private async Task<Next?> StepAsync(CancellationToken cancellation)
    {
        RefreshWhatIsDue();
        await ReadAsync(cancellation);
        var view = offered;
        if (!tables.Covers(view) && !IsLater(readNotBefore)) return Next.Now;
        var plans = Plan(view);
        if (!await PublishAsync(view, plans, cancellation)) return null;
        // Only now: what ends the term has been told to the nodes.
        told();
        var next = await ActAsync(view, plans, cancellation);
        Report = MakeReport(plans);
        return next;
    }

    private void RefreshWhatIsDue()
    {
        if (tables.HasOpenQuestions) tables.ForgetOpenQuestions();
        if (IsLater(resyncAt)) return;
        resyncAt = time.GetTimestamp() + Ticks(Jittered(options.Resync));
        resyncs++;
        tables.Invalidate();
        entries.Invalidate(tables.Serving);
        if (resyncs % options.SlowResyncs != 0) return;
        upkeepDue = true;
        entries.Invalidate(tables.Others);
        overlapDue = true;
        checks.Recheck();
    }

    private async Task ReadAsync(CancellationToken cancellation)
    {
        hasRead = false;
        if (IsLater(readNotBefore)) return;
        var view = offered;
        if (!tables.Covers(view) && await tables.RefreshAsync(view, cancellation) is { } unlisted)
        {
            FailReading(unlisted);
            return;
        }

        entries.Follow(upkeepDue ? tables.Serving.Concat(tables.Others) : tables.Serving.Concat(tables.Others.Where(id => entries.Of(id) is not null)));
        upkeepDue = false;
        var (count, errors) = await entries.ReadAsync(cancellation);
        hasRead = count > 0;
        foreach (var (tableId, error) in errors)
        {
            var isServing = tables.Serving.Contains(tableId);
            if (isServing || error.Kind == CloudErrorKind.Fatal)
            {
                ControlLog.TableUnreadable(log, vpc, tableId, error.Code, error.Message, error.RequestId);
            }

            // Not a table that can be read as one, or one that the role need not know: no more of it until the next listing.
            if (error.Kind == CloudErrorKind.Fatal || (error.Kind == CloudErrorKind.Denied && !isServing)) tables.Drop(tableId);
        }

        var failed = errors.Where(e => tables.Serving.Contains(e.TableId)).ToList();
        if (failed.Count > 0 && failed.Count == tables.Serving.Count) FailReading(failed[0].Error);
        else if (errors.Count == 0 && tables.Serving.Count > 0) Recover(reading);
    }

    private TimeSpan FailReading(CloudError error)
    {
        var pause = reading.Fail(error);
        readNotBefore = time.GetTimestamp() + Ticks(pause);
        TellFailure(error, pause);
        return pause;
    }

    private void TellFailure(CloudError error, TimeSpan pause)
    {
        if (error.Kind == CloudErrorKind.Denied) ControlLog.Denied(log, vpc, error.DeniedAction ?? error.Code, error.RequestId);
        else ControlLog.Waiting(log, vpc, (long)pause.TotalMilliseconds, error.Code, error.Message, error.RequestId);
    }

    private void Recover(VpcTroubles which)
    {
        if (which.ForNodes is not null) ControlLog.Recovered(log, vpc);
        which.Succeed();
    }

    private Dictionary<string, IReadOnlyList<RouteStep>> Plan(VpcView view)
    {
        var mark = OwnershipMark.For(options.EtcdPrefix, view.Network);
        var plans = new Dictionary<string, IReadOnlyList<RouteStep>>();
        foreach (var tableId in tables.Serving.Concat(tables.Others))
        {
            if (entries.Of(tableId) is not { } known) continue;
            var steps = RoutePlan.For(new RoutePlanInput(
                tableId, view.Network, view.Nodes, view.Respected, known, mark, UpkeepOnly: !tables.Serving.Contains(tableId)));
            stale.Observe(tableId, steps, view.IsWhole);
            troubles.Observe(tableId, steps, known.Count(entry => entry.IsCustom));
            writer.Observe(tableId, steps);
            foreign.Observe(tableId, steps);
            plans.Add(tableId, steps);
        }

        foreign.Keep(plans.Keys);
        return plans;
    }

    private async Task<bool> PublishAsync(
        VpcView view, Dictionary<string, IReadOnlyList<RouteStep>> plans, CancellationToken cancellation)
    {
        statuses.Begin(view);
        var bySubnet = new Dictionary<RouteKey, RouteStep>();
        var narrower = new List<RouteStep.Conflict>();
        foreach (var step in plans.Where(plan => tables.Serving.Contains(plan.Key)).SelectMany(plan => plan.Value))
        {
            if (step is RouteStep.Conflict { Kind: ConflictKind.Narrower } part) narrower.Add(part);
            else bySubnet[RouteKey.Of(step)] = step;
        }

        var words = new List<(Lease, RouteStatus)>();
        foreach (var node in view.Nodes)
        {
            var (concluded, problem) = checks.Of(node.Node.NetworkInterfaceId);
            var findings = new NodeFindings(
                overlap?.RefusalOf(node.Destination), tables.ProblemOf(node.Node.VSwitchId),
                [.. tables.Serving.Select(id => Finding(id, bySubnet.GetValueOrDefault(new RouteKey(id, node.Destination))))],
                [.. narrower.Where(part => part.Wanted?.Destination == node.Destination).Select(part => part.Entry)],
                reading.ForNodes ?? writing.ForNodes, problem);
            words.Add(statuses.Of(node, findings, concluded));
        }

        words.AddRange(view.Refused.Select(refused => statuses.Refused(refused.Node, refused.Reason)));
        return await board.PublishAsync(words, cancellation);
    }

    private (string, RouteStep?, RouteTrouble?) Finding(string tableId, RouteStep? step)
    {
        if (step is not null) return (tableId, step, troubles.Of(step));
        if (entries.ErrorOf(tableId) is not { } error) return (tableId, null, null);
        var state = error.Kind == CloudErrorKind.Denied ? RouteState.Denied : RouteState.Pending;
        var text = $"route table {tableId} cannot be read: {error.DeniedAction ?? error.Code}";
        return (tableId, null, new RouteTrouble(state, text, error.RequestId, error.Kind, null, 0, 1));
    }

    /// <summary>At most one call that writes.</summary>
    private async Task<Next?> ActAsync(VpcView view, Dictionary<string, IReadOnlyList<RouteStep>> plans, CancellationToken cancellation)
    {
        var steps = plans.Where(plan => entries.ErrorOf(plan.Key) is null).SelectMany(plan => plan.Value).ToList();
        var settling = steps.Where(step => step is RouteStep.Wait || writer.IsOnItsWay(step)).Select(step => step.RouteTableId).Distinct().ToList();
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

        var write = IsLater(writeNotBefore) ? null
            : writer.Choose(steps, create => overlap?.RefusalOf(create.Destination) is not null, create => overlap?.FitsBatch(create.Destination) != false,
                mayDelete: !IsLater(deleteNotBefore));
        if (write is null)
        {
            if (settling.Count > 0) return ForTheCloud(polls.Next());
            NoteProgress(steps);
            return Idle(steps);
        }

        if (!entries.AreFresh(write.TableIds))
        {
            entries.Invalidate(write.TableIds);
            return IsLater(readNotBefore) ? Idle(steps) : Next.Now;
        }

        if (overlapDue && write is RouteWrite.CreateMany or RouteWrite.CreateOne)
        {
            return await LookAtOverlapsAsync(view, cancellation) is { } error ? ForTheCloud(FailReading(error)) : Next.Now;
        }

        if (write is RouteWrite.DeleteMany)
        {
            if (!await term.StillHeldAsync(cancellation))
            {
                ControlLog.ElectionNotProved(log, vpc);
                deleteNotBefore = time.GetTimestamp() + Ticks(ProofRetry);
                return Next.Now;
            }

            // A lease may have come while etcd was asked.
            if (!ReferenceEquals(view, offered)) return Next.Now;
        }

        if (term.Lost.IsCancellationRequested) return null;
        incompleteSince ??= time.GetTimestamp();
        var failure = await writer.WriteAsync(write, OwnershipMark.For(options.EtcdPrefix, view.Network), cancellation);
        entries.Invalidate(write.TableIds);
        polls.Reset();
        // Re-pointing alone may be denied where creating is not: then it is the trouble of those routes.
        if (failure is null || (failure.Kind == CloudErrorKind.Denied && write is RouteWrite.RePointOne && writer.HasSucceeded))
        {
            if (failure is null) Recover(writing);
            return ForTheCloud(polls.Next());
        }

        var pause = writing.Fail(failure);
        writeNotBefore = time.GetTimestamp() + Ticks(pause);
        TellFailure(failure, pause);
        return failure.Kind == CloudErrorKind.Denied ? Next.Now : ForTheCloud(pause);
    }

    private static Next ForTheCloud(TimeSpan pause) => new(pause, pause > ShortPause);

    private Next Idle(List<RouteStep> steps)
    {
        var now = time.GetTimestamp();
        long?[] moments = [resyncAt, readNotBefore, steps.Count > 0 ? writeNotBefore : null, deleteNotBefore];
        TimeSpan?[] pauses =
        [
            troubles.NextRetry(), stale.NextDue(), entries.NextRetry(), statuses.NextDue, tables.HasOpenQuestions ? OpenQuestions : null,
            .. moments.Where(moment => moment > now).Select(moment => (TimeSpan?)time.GetElapsedTime(now, moment!.Value)),
        ];
        var pause = pauses.Where(left => left is not null).Select(left => left!.Value).Append(options.Resync).Min();
        return new Next(pause > Shortest ? pause : Shortest, true);
    }

    /// <summary>The VPC's own ranges, before anything is created among them.</summary>
    private async Task<CloudError?> LookAtOverlapsAsync(VpcView view, CancellationToken cancellation)
    {
        var facts = api.DescribeVpcAttributeAsync(vpc.RegionId, vpc.Id, cancellation);
        var vSwitches = await api.DescribeVSwitchesAsync(vpc.RegionId, vpc.Id, cancellation);
        var own = await facts;
        overlapDue = false;
        if ((own.Error ?? vSwitches.Error) is { } error)
        {
            overlapFailures++;
            overlapDue = error.Kind is CloudErrorKind.Retry or CloudErrorKind.RefreshCredentials && overlapFailures < MostOverlapFailures;
            if (overlapDue) return error;
            // The API refuses by itself what it must; only the word ahead of it is missing.
            ControlLog.OverlapUnknown(log, vpc, error.DeniedAction ?? error.Code, error.RequestId);
            return null;
        }

        overlapFailures = 0;
        overlap = new OverlapCheck(own.Value!, vSwitches.Value!);
        foreach (var line in overlap.Warnings(view.Network).Where(mentioned.Add)) ControlLog.Overlap(log, vpc, line);
        foreach (var node in view.Nodes)
        {
            if (overlap.RefusalOf(node.Destination) is { } reason && mentioned.Add(reason))
            {
                ControlLog.NodeRefused(log, vpc, node.Destination, node.Node.InstanceId, reason);
            }
        }

        return null;
    }

    private void NoteProgress(List<RouteStep> steps)
    {
        if (reading.IsFailing || writing.IsFailing) return;
        if (hasRead) lastReconcile = time.GetUtcNow();
        if (incompleteSince is not { } since || steps.Any(step => step is RouteStep.Create or RouteStep.RePoint)) return;
        incompleteSince = null;
        ControlLog.AllStand(log, vpc, offered.Nodes.Count, tables.Serving.Count, (long)time.GetElapsedTime(since).TotalMilliseconds);
    }

    private RouteReport MakeReport(Dictionary<string, IReadOnlyList<RouteStep>> plans) => new(
        statuses.Latest, foreign.All,
        [.. plans.Keys.Select(id => new TableUse(id, vpc.Id, entries.Of(id)?.Count(entry => entry.IsCustom) ?? 0))],
        lastReconcile, writer.Counts);

    private bool IsLater(long moment) => moment > time.GetTimestamp();

    private long Ticks(TimeSpan pause) => (long)(pause.TotalSeconds * time.TimestampFrequency);

    /// <summary>Up to a tenth shorter, so that the controllers of an account do not march in step.</summary>
    private TimeSpan Jittered(TimeSpan span) => span * (0.9 + random.NextDouble() / 10);
}
