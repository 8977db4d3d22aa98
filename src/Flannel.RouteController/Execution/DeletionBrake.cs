using Flannel.Core.Addresses;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Execution;

/// <summary>Limits how many stale routes of a VPC are deleted at once. A few may go as they become due. When more are due, or more leases
/// ended within minutes, all of them are held first: leases that were deleted in bulk come back with their nodes. Routes that their nodes
/// released are not limited: each node said so itself.</summary>
internal sealed class DeletionBrake(VpcId vpc, TimeProvider time, ILogger log)
{
    /// <summary>The limit is a tenth of the cluster's routes in the VPC, and at least this many.</summary>
    private const int LeastLimit = 3;

    private const int RoutesPerDeletion = 10;

    /// <summary>How long deletions are held, and the window in which deletions count together.</summary>
    private static readonly TimeSpan Hold = TimeSpan.FromMinutes(30);

    /// <summary>Between two parts, once the hold is over.</summary>
    private static readonly TimeSpan PartInterval = TimeSpan.FromMinutes(5);

    private readonly Dictionary<Ipv4Network, long> deleted = [];
    private HashSet<Ipv4Network> part = [];
    private long? heldSince;
    private long nextPartAt;

    /// <summary>How many destinations of this cluster have a route in the VPC, or should have.</summary>
    private int routes;
    private bool isReported;

    /// <summary>Stale routes with evidence that are not deleted yet, as of the last pass.</summary>
    public int Held { get; private set; }

    /// <summary>When held routes may go on; null when none are held.</summary>
    public TimeSpan? NextDue => Held == 0 || heldSince is not { } since ? null
        : Longer(Hold - time.GetElapsedTime(since), time.GetElapsedTime(time.GetTimestamp(), nextPartAt));

    /// <summary>Called in each pass. Leases that end together hold the deletions even if most of them are there again when the rest are
    /// due.</summary>
    /// <param name="steps">Those of all tables of the VPC.</param>
    public void Observe(DesiredVpcState view, IReadOnlyCollection<RouteAction> steps)
    {
        routes = steps.Where(step => step is not RouteAction.Conflict).Select(step => step.Destination).Distinct().Count();
        var together = view.EndedRecently.Count(ended => time.GetElapsedTime(ended.At) <= LeaseEndings.Together);
        if (together > Limit) heldSince ??= time.GetTimestamp();
    }

    /// <summary>Those that may be deleted now.</summary>
    /// <param name="due">Stale routes with evidence, in every table.</param>
    public IReadOnlyList<RouteAction.Delete> Allow(IReadOnlyList<RouteAction.Delete> due)
    {
        Forget();
        var limit = Limit;
        var subnets = due.Select(step => step.Destination).Distinct().Order().ToList();
        if (subnets.Count + deleted.Keys.Except(subnets).Count() > limit) heldSince ??= time.GetTimestamp();
        var allowed = heldSince is null ? subnets : NextPart(subnets, limit);
        Held = subnets.Count - allowed.Count;
        if (Held > 0 && !isReported)
        {
            isReported = true;
            RouteControllerLog.DeletionsHeld(log, vpc, Held, limit, routes, (long)Hold.TotalMinutes);
        }

        return [.. due.Where(step => allowed.Contains(step.Destination))];
    }

    /// <summary>A deletion was tried.</summary>
    public void Note(IEnumerable<RouteAction.Delete> steps)
    {
        foreach (var step in steps.Where(step => step.Released is null)) deleted[step.Destination] = time.GetTimestamp();
    }

    private List<Ipv4Network> NextPart(List<Ipv4Network> subnets, int limit)
    {
        if (time.GetElapsedTime(heldSince!.Value) < Hold) return [];
        if (subnets.Count == 0)
        {
            (heldSince, isReported) = (null, false);
            return [];
        }

        if (nextPartAt <= time.GetTimestamp())
        {
            nextPartAt = time.GetTimestamp() + (long)(PartInterval.TotalSeconds * time.TimestampFrequency);
            part = [.. subnets.Take(limit)];
        }

        // A part that was interrupted goes on without another pause.
        return [.. subnets.Where(part.Contains)];
    }

    private int Limit => Math.Max(LeastLimit, routes / RoutesPerDeletion);

    private void Forget()
    {
        foreach (var old in deleted.Where(pair => time.GetElapsedTime(pair.Value) > Hold).ToList()) deleted.Remove(old.Key);
    }

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
