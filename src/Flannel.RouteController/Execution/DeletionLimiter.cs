using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;
using static Flannel.RouteController.Infrastructure.TimeSpans;

namespace Flannel.RouteController.Execution;

/// <summary>Limits how many stale routes of a VPC are deleted at once. A few are deleted as they become due. If more are due, or more
/// leases ended within minutes, all of them are held first: nodes whose leases were deleted in bulk acquire them again. Routes that their
/// nodes released are not limited.</summary>
internal sealed class DeletionLimiter(VpcContext context)
{
    /// <summary>The limit is a tenth of the cluster's routes in the VPC, and at least this many.</summary>
    private const int MinLimit = 3;

    private const int RoutesPerDeletion = 10;

    /// <summary>How long deletions are held, and the window in which deletions count together.</summary>
    private static readonly TimeSpan HoldTime = TimeSpan.FromMinutes(30);

    /// <summary>The pause between two parts of the held deletions.</summary>
    private static readonly TimeSpan PartInterval = TimeSpan.FromMinutes(5);

    private readonly Dictionary<IpNetwork, long> deletedAt = [];
    private HashSet<IpNetwork> part = [];
    private long? heldSince;
    private long nextPartAt;
    private bool isHoldLogged;

    /// <summary>The number of destinations of this cluster with an observed or a desired route in the VPC. Counted only in a pass that may
    /// use it: most passes have nothing to delete.</summary>
    private int routes;

    /// <summary>Stale routes with evidence that are not deleted yet, as of the last pass.</summary>
    public int Held { get; private set; }

    /// <summary>The time until held deletions continue; null if none are held.</summary>
    public TimeSpan? NextDue => Held == 0 || heldSince is not { } since ? null
        : Longer(HoldTime - context.Time.GetElapsedTime(since), context.Time.GetElapsedTime(context.Time.GetTimestamp(), nextPartAt));

    private int Limit => Math.Max(MinLimit, routes / RoutesPerDeletion);

    /// <summary>Called in each pass. Many leases that end together hold the deletions even if most of them exist again when the
    /// others are due.</summary>
    public void Observe(VpcPlan plan)
    {
        var mayDelete = heldSince is not null || deletedAt.Count > 0 || plan.Desired.EndedRecently.Count > 0
            || plan.Actions.Any(action => action is RouteAction.Delete);
        if (!mayDelete) return;
        routes = plan.Actions.Where(action => action is not RouteAction.Conflict).Select(action => action.Destination).Distinct().Count();
        var endedTogether = plan.Desired.EndedRecently
            .Count(ended => context.Time.GetElapsedTime(ended.At) <= EndedLeaseTracker.TogetherWindow);
        if (endedTogether > Limit) heldSince ??= context.Time.GetTimestamp();
    }

    /// <summary>The deletions that are allowed now.</summary>
    /// <param name="due">Stale routes with evidence, in every table.</param>
    public IReadOnlyList<RouteAction.Delete> Allow(IReadOnlyList<RouteAction.Delete> due)
    {
        RemoveOld();
        var limit = Limit;
        var subnets = due.Select(delete => delete.Destination).Distinct().Order().ToList();
        if (subnets.Count + deletedAt.Keys.Except(subnets).Count() > limit) heldSince ??= context.Time.GetTimestamp();
        var allowed = heldSince is null ? subnets : NextPart(subnets, limit);
        Held = subnets.Count - allowed.Count;
        if (Held > 0 && !isHoldLogged)
        {
            isHoldLogged = true;
            RouteControllerLog.DeletionsHeld(context.Log, context.Vpc, Held, limit, routes, (long)HoldTime.TotalMinutes);
        }

        return [.. due.Where(delete => allowed.Contains(delete.Destination))];
    }

    /// <summary>A deletion is being sent.</summary>
    public void Sent(IEnumerable<RouteAction.Delete> deletions)
    {
        foreach (var delete in deletions.Where(delete => delete.Released is null))
            deletedAt[delete.Destination] = context.Time.GetTimestamp();
    }

    private List<IpNetwork> NextPart(List<IpNetwork> subnets, int limit)
    {
        if (context.Time.GetElapsedTime(heldSince!.Value) < HoldTime) return [];
        if (subnets.Count == 0)
        {
            (heldSince, isHoldLogged) = (null, false);
            return [];
        }

        if (nextPartAt <= context.Time.GetTimestamp())
        {
            nextPartAt = context.Time.TimestampAfter(PartInterval);
            part = [.. subnets.Take(limit)];
        }

        // A part that was interrupted continues without another pause.
        return [.. subnets.Where(part.Contains)];
    }

    private void RemoveOld()
    {
        foreach (var old in deletedAt.Where(pair => context.Time.GetElapsedTime(pair.Value) > HoldTime).ToList()) deletedAt.Remove(old.Key);
    }
}
