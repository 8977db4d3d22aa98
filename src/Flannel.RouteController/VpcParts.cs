using Flannel.RouteController.Execution;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Status;

namespace Flannel.RouteController;

/// <summary>The parts of one VPC's reconciler: those of the steps of a pass, and the state that the steps share. Created for one
/// term.</summary>
internal sealed record VpcParts(
    DeadlineSchedule Schedule, VpcFailures Failures, ObservationParts Observation, StatusParts Status, ExecutionParts Execution)
{
    /// <param name="changed">Called when a pass is due because an interface has changed.</param>
    public static VpcParts Create(
        VpcContext context, RouteControllerOptions options, TermContext term, Action changed)
    {
        var schedule = new DeadlineSchedule(context.Time);
        var failures = new VpcFailures(context, options.UnreachableLimit, schedule);
        var observation = ObservationParts.Create(context, options, term, failures, schedule, changed);
        var status = StatusParts.Create(context, options, term, failures, observation);
        var execution = ExecutionParts.Create(context, options, term, failures, schedule, observation);
        return new VpcParts(schedule, failures, observation, status, execution);
    }
}

/// <summary>What observes a VPC.</summary>
internal sealed record ObservationParts(
    VpcTables Tables, VpcEntries Entries, VpcObserver Observer, CidrConflicts Cidrs, InterfaceChecks Checks, RouteQuota Quota)
{
    public static ObservationParts Create(
        VpcContext context, RouteControllerOptions options, TermContext term, VpcFailures failures, DeadlineSchedule schedule,
        Action changed)
    {
        var tables = new VpcTables(context.Vpc, options.RouteTableIds, context.Api, context.Log);
        var entries = new VpcEntries(context, failures.Tables);
        var takeovers = new TakeoverTracker(term.Mark, context.Time);
        // The interfaces have a loop and therefore a random generator of their own.
        var checks = new InterfaceChecks(context with { Random = new Random(context.Random.Next()) }, term.Loops, changed);
        return new ObservationParts(
            tables, entries, new VpcObserver(context, tables, entries, takeovers, failures, schedule),
            new CidrConflicts(context, term.Term.Statuses), checks, new RouteQuota(context));
    }
}

/// <summary>What publishes route statuses.</summary>
internal sealed record StatusParts(StatusDebouncer Debouncer, RouteStatusPublisher Publisher)
{
    public static StatusParts Create(
        VpcContext context, RouteControllerOptions options, TermContext term, VpcFailures failures, ObservationParts observation)
    {
        var delays = new StatusDelays(options.RepairDelay, options.InterfaceCheckDelay);
        var debouncer = new StatusDebouncer(delays, term.Statuses, context.Time);
        return new StatusParts(debouncer, new RouteStatusPublisher(
            observation.Tables, failures, observation.Cidrs, observation.Checks, debouncer, term.Statuses));
    }
}

/// <summary>What records and executes plans.</summary>
internal sealed record ExecutionParts(
    PlanRecorder Recorder, VpcExecutor Executor, PendingWrites Pending, DeletionPolicy Deletions, RouteConflictTracker Conflicts,
    ReconcileProgress Progress)
{
    public static ExecutionParts Create(
        VpcContext context, RouteControllerOptions options, TermContext term, VpcFailures failures, DeadlineSchedule schedule,
        ObservationParts observation)
    {
        var pending = new PendingWrites(context);
        var shared = new SharedClusterDetector(context, term.Mark);
        pending.Deleted += shared.RouteDeleted;
        var stale = new StaleRoutes(options.StaleGrace, term.Absences, context.Time);
        var deletions = new DeletionPolicy(context, term.Term, stale, new DeletionLimiter(context), shared, schedule);

        var sizes = new BatchSizes(context.Time);
        var batchFailures = new BatchFailureHandler(context, sizes, pending);
        var batches = new CreateBatches(sizes.Creations, failures.Routes, context.Time);
        var creator = new RouteCreator(context, term.Mark, batches, pending, failures.Routes, batchFailures);
        var modifier = new RouteModifier(context, term.Mark, pending, failures.Routes, batchFailures);
        var deleter = new RouteDeleter(context, sizes.Deletions, pending, failures.Routes, batchFailures);

        var conflicts = new RouteConflictTracker(context.Vpc, term.Mark, context.Log);
        var executor = new VpcExecutor(
            new TransitionWait(context, observation.Entries, pending),
            new WriteSelector(creator, modifier, deleter, pending, failures.Routes, observation.Cidrs),
            deletions,
            new WriteGuard(context.Vpc, term.Api, observation.Entries, observation.Cidrs, deletions, failures),
            new RouteWriter(creator, modifier, deleter, pending),
            failures);
        var recorder = new PlanRecorder(failures.Routes, observation.Quota, pending, creator, deletions, conflicts);
        return new ExecutionParts(recorder, executor, pending, deletions, conflicts, new ReconcileProgress(context));
    }
}
