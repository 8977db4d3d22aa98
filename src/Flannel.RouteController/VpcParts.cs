using Flannel.RouteController.Execution;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Status;

namespace Flannel.RouteController;

/// <summary>The parts of one VPC's reconciler: those of the steps of a pass, and the state that the steps share. Created for one
/// term.</summary>
internal sealed record VpcParts(
    DeadlineSchedule Schedule, VpcFailures Failures, ObservationParts Observation, StatusParts Status, ExecutionParts Execution,
    Ipv6Reconciler Ipv6)
{
    /// <param name="changed">Called when a pass is due because an interface or the ranges of the VPC have been read.</param>
    public static VpcParts Create(
        VpcContext context, RouteControllerOptions options, TermContext term, Action changed)
    {
        var schedule = new DeadlineSchedule(context.Time);
        var failures = new VpcFailures(context, options.UnreachableLimit, schedule);
        var observation = ObservationParts.Create(context, options, term, failures, schedule, changed);
        var status = StatusParts.Create(context, options, term, failures, observation);
        var shared = new SharedClusterDetector(context, term.Mark);
        var ipv4 = new FamilyParts("ipv4", failures, schedule, WriteLimit: null);
        var execution = ExecutionParts.Create(context, options, term, ipv4, shared, observation);
        var ipv6 = CreateIpv6(context, options, term, failures, shared, observation);
        return new VpcParts(schedule, failures, observation, status, execution, ipv6);
    }

    private static Ipv6Reconciler CreateIpv6(
        VpcContext context, RouteControllerOptions options, TermContext term, VpcFailures ipv4, SharedClusterDetector shared,
        ObservationParts observation)
    {
        var schedule = new DeadlineSchedule(context.Time);
        var failures = new VpcFailures(context, options.UnreachableLimit, schedule);
        var share = new Ipv6QuotaShare(context, term.Mark, ipv4.Routes, observation.Quota);
        var reader = new RouteStateReader(observation.Tables, ipv4.Tables, failures.Routes, observation.Cidrs);
        var debouncer = new StatusDebouncer(new StatusDelays(options.RepairDelay, TimeSpan.Zero), term.Statuses, context.Time);
        var family = new FamilyParts("ipv6", failures, schedule, Ipv6Reconciler.WriteLimit);
        return new Ipv6Reconciler(
            family, ipv4, share, ExecutionParts.Create(context, options, term, family, shared, observation), debouncer,
            new Ipv6StatusSource(reader, ipv4, failures, share, debouncer));
    }
}

/// <summary>What the two families do not share: the failure of one never delays the other.</summary>
/// <param name="Name">Distinguishes the stored absences of the families.</param>
/// <param name="WriteLimit">How long a call that writes may take; null for the time limit of the API's client.</param>
internal sealed record FamilyParts(string Name, VpcFailures Failures, DeadlineSchedule Schedule, TimeSpan? WriteLimit);

/// <summary>What observes a VPC.</summary>
internal sealed record ObservationParts(
    VpcTables Tables, VpcEntries Entries, VpcObserver Observer, CidrConflicts Cidrs, InterfaceChecks Checks, RouteQuota Quota)
{
    public static ObservationParts Create(
        VpcContext context, RouteControllerOptions options, TermContext term, VpcFailures failures, DeadlineSchedule schedule,
        Action changed)
    {
        var tables = new VpcTables(context.Vpc, options.RouteTableIds, context.Api, context.Log);
        var entries = new VpcEntries(context, failures.Tables, changed);
        var takeovers = new TakeoverTracker(term.Mark, context.Time);
        // The interfaces have a loop and therefore a random generator of their own.
        var checks = new InterfaceChecks(context with { Random = new Random(context.Random.Next()) }, term.Loops, changed);
        return new ObservationParts(
            tables, entries, new VpcObserver(context, tables, entries, takeovers, failures, schedule),
            new CidrConflicts(context, term.Term.Statuses, changed), checks, new RouteQuota(context));
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
        var reader = new RouteStateReader(observation.Tables, failures.Tables, failures.Routes, observation.Cidrs);
        return new StatusParts(debouncer, new RouteStatusPublisher(
            observation.Tables, failures, reader, observation.Checks, debouncer, term.Statuses));
    }
}

/// <summary>What records and executes the plans of one family.</summary>
internal sealed record ExecutionParts(
    PlanRecorder Recorder, VpcExecutor Executor, PendingWrites Pending, DeletionPolicy Deletions, RouteConflictTracker Conflicts,
    ReconcileProgress Progress)
{
    public static ExecutionParts Create(
        VpcContext context, RouteControllerOptions options, TermContext term, FamilyParts family, SharedClusterDetector shared,
        ObservationParts observation)
    {
        var failures = family.Failures;
        var pending = new PendingWrites(context);
        pending.Deleted += shared.RouteDeleted;
        var stale = new StaleRoutes(options.StaleGrace, term.Absences, context.Time, family.Name);
        var deletions = new DeletionPolicy(context, term.Term, stale, new DeletionLimiter(context), shared, family.Schedule);

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
            new RouteWriter(context, creator, modifier, deleter, pending, family.WriteLimit),
            failures);
        var recorder = new PlanRecorder(failures.Routes, pending, creator, deletions, conflicts);
        return new ExecutionParts(recorder, executor, pending, deletions, conflicts, new ReconcileProgress(context));
    }
}
