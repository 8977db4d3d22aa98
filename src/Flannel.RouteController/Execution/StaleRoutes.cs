using Flannel.AliCloud.Vpc;
using Flannel.Core;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;
using static Flannel.RouteController.Infrastructure.TimeSpans;

namespace Flannel.RouteController.Execution;

/// <summary>Which marked entries without a lease may be deleted. Absence alone is no evidence. Either the controller saw the lease end and
/// the grace time has passed since, or the lease has been absent for a whole lease time in complete snapshots.</summary>
/// <param name="family">Distinguishes the absences of one family from those of the other in the same table.</param>
internal sealed class StaleRoutes(TimeSpan grace, AbsentLeaseTracker absences, TimeProvider time, string family)
{
    /// <summary>Even without a grace time the lease must be absent in more than one snapshot.</summary>
    private static readonly TimeSpan LeastGrace = TimeSpan.FromSeconds(1);

    private readonly TimeSpan grace = Longer(grace, LeastGrace);
    private readonly Dictionary<RouteKey, Absence> absent = [];
    private bool isComplete;

    /// <param name="Since">When this term first saw the entry without a lease.</param>
    /// <param name="InEarlierTerms">How long earlier terms observed the absence.</param>
    /// <param name="EndedAt">When this term saw the lease end; null if it did not.</param>
    private sealed record Absence(RouteEntry Entry, long Since, TimeSpan InEarlierTerms, long? EndedAt);

    /// <param name="actions">The whole plan of one table.</param>
    public void Observe(string tableId, IReadOnlyList<RouteAction> actions, DesiredVpcState desired)
    {
        isComplete = desired.IsComplete;
        if (!desired.IsComplete)
        {
            // A lease that cannot be read may exist: every count starts again.
            Forget(tableId);
            absences.ForgetAll();
            return;
        }

        var candidates = new Dictionary<RouteKey, RouteEntry>();
        foreach (var action in actions)
        {
            if (action is RouteAction.Delete { Released: null } delete) candidates.TryAdd(RouteKey.Of(action), delete.Entry);
            else if (EntryWithLease(action) is { } entry) absences.Forget(entry);
        }

        foreach (var key in absent.Keys.Where(key => key.TableId == tableId).ToList())
        {
            if (!candidates.TryGetValue(key, out var entry) || !IsSame(entry, absent[key].Entry)) absent.Remove(key);
        }

        foreach (var (key, entry) in candidates)
        {
            var absence = absent.GetValueOrDefault(key) ?? new Absence(entry, time.GetTimestamp(), absences.InEarlierTerms(entry), null);
            absent[key] = absence with { EndedAt = EndOf(entry, desired) };
        }

        absences.Observe(NameOf(tableId), [.. absent.Where(pair => pair.Key.TableId == tableId)
            .Select(pair => new AbsentLease(pair.Value.Entry, TotalOf(pair.Value)))]);
    }

    /// <summary>Forgets the tables that are not observed any more.</summary>
    public void RetainTables(IEnumerable<string> tableIds)
    {
        var ids = tableIds.ToHashSet();
        foreach (var table in absent.Keys.Select(key => key.TableId).Where(id => !ids.Contains(id)).ToHashSet()) Forget(table);
    }

    /// <summary>Whether there is enough evidence, for a deletion without <see cref="RouteAction.Delete.Released"/>.</summary>
    public bool IsDue(RouteAction.Delete delete) =>
        isComplete && absent.TryGetValue(RouteKey.Of(delete), out var absence) && IsSame(delete.Entry, absence.Entry)
        && Left(absence) <= TimeSpan.Zero;

    /// <summary>The time until the next one is due; null if none is pending.</summary>
    public TimeSpan? NextDue()
    {
        var pending = absent.Values.Select(Left).Where(left => left > TimeSpan.Zero).ToList();
        return pending.Count == 0 ? null : pending.Min();
    }

    private void Forget(string tableId)
    {
        foreach (var key in absent.Keys.Where(key => key.TableId == tableId).ToList()) absent.Remove(key);
        absences.Observe(NameOf(tableId), []);
    }

    private string NameOf(string tableId) => $"{family} {tableId}";

    private TimeSpan Left(Absence absence)
    {
        var inTerm = time.GetElapsedTime(absence.Since);
        // A running node has renewed its lease within a lease time, or has lost it.
        var byAbsence = Longer(FlannelContract.LeaseTime - TotalOf(absence), AbsentLeaseTracker.LeastInTerm - inTerm);
        if (absence.EndedAt is not { } ended) return byAbsence;
        var byEnd = Longer(grace - inTerm, grace - time.GetElapsedTime(ended));
        return byEnd < byAbsence ? byEnd : byAbsence;
    }

    private TimeSpan TotalOf(Absence absence) => absence.InEarlierTerms + time.GetElapsedTime(absence.Since);

    /// <summary>The end of the lease of the node that the entry leads to: the end of another node's lease proves nothing about this
    /// route.</summary>
    private static long? EndOf(RouteEntry entry, DesiredVpcState desired) => desired.Ended.FirstOrDefault(ended =>
        ended.Subnet == entry.Destination && (entry.NextHops.Count == 0 || entry.NextHops[0].Id == ended.NextHopId))?.At;

    private static bool IsSame(RouteEntry one, RouteEntry other) =>
        one.RouteEntryId == other.RouteEntryId && one.NextHops.SequenceEqual(other.NextHops);

    private static RouteEntry? EntryWithLease(RouteAction action) => action switch
    {
        RouteAction.Keep keep => keep.Entry,
        RouteAction.Mark mark => mark.Entry,
        RouteAction.Update update => update.Entry,
        _ => null,
    };
}
