using Flannel.Core;
using Flannel.Core.Routes;
using Flannel.RouteController.Abstractions;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Status;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController;

/// <summary>Reconciles the routes of one VPC for one term. One pass: observe, plan, record, publish, execute, schedule. The next pass
/// observes the results of the writes.</summary>
internal sealed class VpcReconciler
{
    /// <summary>A change of the leases ends only pauses that are longer than this.</summary>
    private static readonly TimeSpan InterruptibleFrom = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(1);

    private readonly RouteControllerOptions options;
    private readonly TermContext term;
    private readonly VpcContext context;
    private readonly VpcParts parts;
    private readonly AsyncAutoResetEvent changed;
    private readonly Func<TermResult?> termEnd;

    private volatile DesiredVpcState desired;
    private volatile ControllerSnapshot snapshot = ControllerSnapshot.Empty;
    private WriteCounts counted = WriteCounts.None;
    private int resyncs;

    /// <param name="termEnd">The result of the term if the states of all VPCs end it; null while it continues.</param>
    public VpcReconciler(
        DesiredVpcState desired, RouteControllerOptions options, TermContext term, VpcContext context, Func<TermResult?> termEnd)
    {
        (this.desired, this.options, this.term, this.context, this.termEnd) = (desired, options, term, context, termEnd);
        changed = new AsyncAutoResetEvent(context.Time);
        parts = VpcParts.Create(context, options, term, changed.Set);
        parts.Observation.Checks.SetInterfaces(InterfacesOf(desired));
    }

    /// <summary>The newest state that <see cref="Update"/> set.</summary>
    public DesiredVpcState Desired => desired;

    public ControllerSnapshot Snapshot => snapshot;

    public VpcHealth Health => parts.Failures.Health;

    private DeadlineSchedule Schedule => parts.Schedule;

    /// <summary>Of both families, since the term began.</summary>
    private WriteCounts Writes => parts.Execution.Pending.Counts + parts.Ipv6.Writes;

    /// <summary>Sets a newer state. Thread-safe.</summary>
    public void Update(DesiredVpcState newest)
    {
        desired = newest;
        parts.Observation.Checks.SetInterfaces(InterfacesOf(newest));
        changed.Set();
    }

    /// <summary>Runs until it is cancelled, or until the term ends.</summary>
    public async Task<TermResult> RunAsync(CancellationToken cancellation)
    {
        await using var tasks = new TermTasks(cancellation);
        tasks.Start(CheckInterfacesAsync);
        tasks.Start(ReconcileAsync);
        return await tasks.FirstResultAsync();
    }

    private async Task<TermResult> CheckInterfacesAsync(CancellationToken cancellation)
    {
        await parts.Observation.Checks.RunAsync(cancellation);
        throw new InvalidOperationException("the loop of the interfaces has ended");
    }

    private async Task<TermResult> ReconcileAsync(CancellationToken cancellation)
    {
        using var loop = term.Loops.Begin($"the route controller's loop of {context.Vpc}", LoopLimits.LongestPass);
        ScheduleResync();
        await WaitForOthersAsync(cancellation);
        while (true)
        {
            changed.Clear();
            loop.Busy();
            var result = await MeasureAsync(cancellation);
            if (result.TermEnd is { } end) return end;
            loop.Idle(result.Pause);
            if (!result.IsInterruptible) await Task.Delay(result.Pause, context.Time, cancellation);
            else if (await changed.WaitAsync(result.Pause, cancellation)) await WaitForOthersAsync(cancellation);
        }
    }

    /// <summary>The first new node of a quiet moment does not wait: those that come during its call share the next one. If several come at
    /// once, more probably follow: waits until the leases do not change for a moment, so that all of them share a call.</summary>
    private async Task WaitForOthersAsync(CancellationToken cancellation)
    {
        // A node without a status was not in any pass yet.
        if (!desired.Nodes.Where(node => term.Statuses.Of(node) is null).Skip(1).Any()) return;
        var began = context.Time.GetTimestamp();
        while (await changed.WaitAsync(options.Quiet, cancellation) && context.Time.GetElapsedTime(began) < options.MaxQuietWait)
        {
        }
    }

    /// <summary>Makes one pass, and reports it.</summary>
    private async Task<PassResult> MeasureAsync(CancellationToken cancellation)
    {
        var started = context.Time.GetTimestamp();
        var result = await ReconcileOnceAsync(cancellation);
        var writes = Writes;
        term.Observer.PassEnded(new ReconcilePass(context.Time.GetElapsedTime(started), parts.Failures.IsFailing, writes - counted));
        counted = writes;
        return result;
    }

    /// <summary>One pass.</summary>
    private async Task<PassResult> ReconcileOnceAsync(CancellationToken cancellation)
    {
        if (await ObserveAsync(cancellation) is not { } observation) return PassResult.Now;
        var plan = VpcPlan.For(observation.Ipv4, term.Mark);
        var ipv6Plan = VpcPlan.For(observation.Ipv6, term.Mark);
        Record(plan, ipv6Plan);
        LogPlan(plan, ipv6Plan);
        var end = termEnd();
        // While an entry is in transition, no write is sent.
        var mayWrite = end is null && !plan.ExecutableActions.Any(action => action is RouteAction.KeepInTransition);
        var publication = await PublishAsync(plan, ipv6Plan, defersPending: mayWrite, cancellation);
        if (!publication.IsTermHeld) return PassResult.Ended(new TermResult.Lost());
        // Only after the publication: the nodes then know the reason.
        if (end is not null) return PassResult.Ended(end);
        if (publication.HasDeferred && !await ProveAsync(plan, ipv6Plan, cancellation)) return PassResult.Ended(new TermResult.Lost());
        var execution = await ExecuteAsync(plan, cancellation);
        var ipv6Execution = execution is ExecutionResult.NothingToWrite ? await ExecuteIpv6Async(ipv6Plan, cancellation) : null;
        // The first status of a node waits for the next pass only if that is now.
        if (publication.HasDeferred && execution is not (ExecutionResult.Again or ExecutionResult.After { Pause.Ticks: 0 }))
            publication = await PublishAsync(plan, ipv6Plan, defersPending: false, cancellation);
        if (!publication.IsTermHeld) return PassResult.Ended(new TermResult.Lost());
        var next = ScheduleNext(plan, execution, parts.Ipv6.NextDue(ipv6Plan, ipv6Execution));
        snapshot = SnapshotOf(plan, ipv6Plan, next.Pause);
        return next;
    }

    private Task<Publication> PublishAsync(VpcPlan plan, VpcPlan ipv6Plan, bool defersPending, CancellationToken cancellation) =>
        parts.Status.Publisher.PublishAsync(plan, parts.Ipv6.StatusesOf(ipv6Plan), defersPending, cancellation);

    /// <summary>Confirms the term, as the publication would have: the route of a new node is written only by a controller that the store
    /// has confirmed since it saw the lease. A read of the store takes less time than a write.</summary>
    /// <returns>False if the term is over.</returns>
    private async Task<bool> ProveAsync(VpcPlan plan, VpcPlan ipv6Plan, CancellationToken cancellation) =>
        await term.Term.ProveAsync([], [], cancellation) == TermProof.Proven
        || (await PublishAsync(plan, ipv6Plan, defersPending: false, cancellation)).IsTermHeld;

    private void LogPlan(VpcPlan plan, VpcPlan ipv6Plan)
    {
        if (!context.PlanLog.IsEnabled(LogLevel.Debug)) return;
        List<string> lines =
        [
            .. PlanText.LinesOf(plan, action => parts.Execution.Executor.HeldBack(action, plan)),
            .. PlanText.LinesOf(ipv6Plan, action => parts.Ipv6.HeldBack(action, ipv6Plan)),
        ];
        foreach (var line in lines) RouteControllerLog.Plan(context.PlanLog, context.Vpc, line);
        if (lines.Count > 0) return;
        RouteControllerLog.PlanEmpty(
            context.PlanLog, context.Vpc, PlanText.CountsOf(plan.Actions.Concat(ipv6Plan.Actions)), Plural.Of(plan.Tables.Count, "table"));
    }

    private void Record(VpcPlan plan, VpcPlan ipv6Plan)
    {
        parts.Execution.Recorder.Record(plan);
        parts.Observation.Quota.Observe(plan, parts.Failures.Routes);
        parts.Ipv6.Record(ipv6Plan, plan);
    }

    /// <returns>Null if the leases changed during the read, and the tables of a new node are not known.</returns>
    private async Task<VpcObservation?> ObserveAsync(CancellationToken cancellation)
    {
        if (!Schedule.IsPending(Deadline.Resync)) Resync();
        if (parts.Failures.MayRead) parts.Observation.Cidrs.StartReadIfDue(cancellation);
        await parts.Observation.Observer.ReadAsync(desired, cancellation);
        await parts.Observation.Cidrs.ApplyReadAsync(desired, cancellation);
        var current = desired;
        return parts.Observation.Observer.Knows(current) || !parts.Failures.MayRead ? parts.Observation.Observer.Observe(current) : null;
    }

    private async Task<ExecutionResult> ExecuteAsync(VpcPlan plan, CancellationToken cancellation)
    {
        var result = await parts.Execution.Executor.ExecuteAsync(
            plan, isCurrent: () => ReferenceEquals(plan.Desired, desired), starting: parts.Execution.Progress.WriteStarting,
            cancellation);
        if (result is ExecutionResult.NothingToWrite) await ReadInBackgroundAsync(plan, cancellation);
        return result;
    }

    /// <summary>Reads what no write depends on.</summary>
    private async Task ReadInBackgroundAsync(VpcPlan plan, CancellationToken cancellation)
    {
        var observation = parts.Observation;
        if (!parts.Failures.IsFailing && plan.HasRead(observation.Tables.Serving))
            parts.Execution.Progress.NothingToWrite(plan, observation.Observer.HasRead, observation.Tables.Serving.Count);
        await observation.Quota.StartReadIfDueAsync(cancellation);
    }

    private async Task<ExecutionResult> ExecuteIpv6Async(VpcPlan plan, CancellationToken cancellation)
    {
        // A node may have joined during the pass: its IPv4 route is first.
        if (!IsCurrent()) return new ExecutionResult.Again();
        return await parts.Ipv6.ExecuteAsync(plan, IsCurrent, cancellation);

        bool IsCurrent() => ReferenceEquals(plan.Desired, desired.Ipv6);
    }

    /// <param name="ipv6">The time until IPv6 has something to do; null for the next resync. A change of the leases ends it.</param>
    private PassResult ScheduleNext(VpcPlan plan, ExecutionResult execution, TimeSpan? ipv6)
    {
        switch (execution)
        {
            case ExecutionResult.Again: return PassResult.Now;
            case ExecutionResult.After { Pause: var pause }: return PassResult.After(pause, isInterruptible: pause > InterruptibleFrom);
        }

        Schedule.RemoveElapsed();
        Schedule.SetOrRemove(Deadline.Route, parts.Failures.Routes.NextRetry());
        Schedule.SetOrRemove(Deadline.Status, parts.Status.Debouncer.NextDue);
        parts.Execution.Deletions.Schedule(desired);
        parts.Observation.Observer.Schedule();
        var next = Schedule.Next(ignored: plan.ExecutableActions.Count > 0 ? null : Deadline.Write) ?? options.Resync;
        if (next > ipv6) next = ipv6.Value;
        if (next > options.Resync) next = options.Resync;
        return PassResult.After(next > ShortestPause ? next : ShortestPause, isInterruptible: true);
    }

    private void Resync()
    {
        ScheduleResync();
        var isFull = ++resyncs % options.FullResyncInterval == 0;
        parts.Observation.Observer.Invalidate(isFull);
        if (!isFull) return;
        parts.Observation.Cidrs.Invalidate();
        parts.Observation.Checks.Invalidate();
    }

    /// <summary>Up to a tenth earlier, so that the controllers of an account do not read at the same moment.</summary>
    private void ScheduleResync() => Schedule.Set(Deadline.Resync, options.Resync * (0.9 + context.Random.NextDouble() / 10));

    /// <param name="pause">The time until the next pass.</param>
    private ControllerSnapshot SnapshotOf(VpcPlan plan, VpcPlan ipv6Plan, TimeSpan pause) => new(
        parts.Status.Debouncer.Latest, [.. parts.Execution.Conflicts.All, .. parts.Ipv6.Conflicts], [.. plan.TableIds.Select(UsageOf)],
        parts.Execution.Progress.LastReconcile, Writes)
    {
        Ipv6Nodes = parts.Ipv6.Latest,
        HeldDeletions = parts.Execution.Deletions.Held + parts.Ipv6.HeldDeletions,
        Passes = [PassOf(plan, ipv6Plan, pause)],
    };

    private VpcPass PassOf(VpcPlan plan, VpcPlan ipv6Plan, TimeSpan pause)
    {
        var now = context.Time.GetUtcNow();
        return new VpcPass(
            context.Vpc.Id, now, PlanText.CountsOf(plan.Actions.Concat(ipv6Plan.Actions)), parts.Failures.Reason?.Message, now + pause,
            Schedule.Pending());
    }

    private TableUsage UsageOf(string tableId) => new(
        tableId, context.Vpc.Id, parts.Observation.Entries.CustomEntriesOf(tableId), parts.Observation.Quota.LimitOf(tableId));

    private static IEnumerable<string> InterfacesOf(DesiredVpcState state) => state.Nodes.Select(node => node.Node.NetworkInterfaceId);

    /// <summary>What follows one pass.</summary>
    /// <param name="IsInterruptible">Whether a change of the leases ends the pause early.</param>
    /// <param name="TermEnd">Why the term ends; null while it continues.</param>
    private sealed record PassResult(TimeSpan Pause, bool IsInterruptible, TermResult? TermEnd = null)
    {
        public static readonly PassResult Now = new(TimeSpan.Zero, false);

        public static PassResult After(TimeSpan pause, bool isInterruptible) => new(pause, isInterruptible);

        public static PassResult Ended(TermResult result) => new(TimeSpan.Zero, false, result);
    }
}
