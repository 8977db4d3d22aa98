using Flannel.AliCloud.Vpc;
using Flannel.Core;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>Which marked entries without a lease may be deleted. Absence alone is no evidence: the controller saw the lease end and the
/// grace time has passed since, or the lease has been missing for a whole lease time. Absence counts only in a whole view.</summary>
internal sealed class StaleRoutes(TimeSpan grace, LeaseAbsences absences, TimeProvider time)
{
    /// <summary>Even with no grace at all, what is deleted was missing in a view before this one.</summary>
    private static readonly TimeSpan LeastGrace = TimeSpan.FromSeconds(1);

    private readonly TimeSpan grace = grace > LeastGrace ? grace : LeastGrace;
    private readonly Dictionary<RouteKey, Absence> missing = [];
    private bool isWhole;

    /// <param name="Since">When this term first saw the entry without a lease.</param>
    /// <param name="EndedAt">When this term saw the lease end; null when it did not.</param>
    private sealed record Absence(RouteEntry Entry, long Since, TimeSpan Carried, long? EndedAt);

    /// <param name="steps">The whole plan of one table.</param>
    public void Observe(string tableId, IReadOnlyList<RouteAction> steps, DesiredVpcState view)
    {
        isWhole = view.IsWhole;
        if (!view.IsWhole)
        {
            // Nothing is known of a lease while it could not be seen: every count begins anew.
            foreach (var key in missing.Keys.Where(key => key.TableId == tableId).ToList()) missing.Remove(key);
            absences.ForgetAll();
            absences.Observe(tableId, []);
            return;
        }

        var candidates = new Dictionary<RouteKey, RouteEntry>();
        foreach (var step in steps)
        {
            if (step is RouteAction.Delete { Released: null } delete) candidates.TryAdd(RouteKey.Of(step), delete.Entry);
            else if (EntryOf(step) is { } leased) absences.Forget(leased);
        }

        foreach (var key in missing.Keys.Where(key => key.TableId == tableId).ToList())
        {
            if (!candidates.TryGetValue(key, out var entry) || !IsSame(entry, missing[key].Entry)) missing.Remove(key);
        }

        foreach (var (key, entry) in candidates)
        {
            var absence = missing.GetValueOrDefault(key) ?? new Absence(entry, time.GetTimestamp(), absences.CarriedOf(entry), null);
            missing[key] = absence with { EndedAt = EndOf(entry, view) };
        }

        absences.Observe(tableId, [.. missing.Where(pair => pair.Key.TableId == tableId)
            .Select(pair => new AbsentLease(pair.Value.Entry, TotalOf(pair.Value)))]);
    }

    /// <summary>Tables that are not looked at any more: what was missing there begins anew when they are.</summary>
    public void Keep(IReadOnlyCollection<string> tableIds)
    {
        foreach (var table in missing.Keys.Select(key => key.TableId).Where(id => !tableIds.Contains(id)).ToHashSet())
        {
            foreach (var key in missing.Keys.Where(key => key.TableId == table).ToList()) missing.Remove(key);
            absences.Observe(table, []);
        }
    }

    /// <summary>Whether there is the evidence, of a step that is no <see cref="RouteAction.Delete.Released"/> one.</summary>
    public bool IsDue(RouteAction.Delete step) =>
        isWhole && missing.TryGetValue(RouteKey.Of(step), out var absence) && IsSame(step.Entry, absence.Entry)
        && Left(absence) <= TimeSpan.Zero;

    /// <summary>When the next one becomes due; null when none will.</summary>
    public TimeSpan? NextDue()
    {
        var waiting = missing.Values.Select(Left).Where(left => left > TimeSpan.Zero).ToList();
        return waiting.Count == 0 ? null : waiting.Min();
    }

    private TimeSpan Left(Absence absence)
    {
        var inTerm = time.GetElapsedTime(absence.Since);
        // A node that lives has renewed its lease within a lease time, or has lost it.
        var byAbsence = Longer(FlannelContract.LeaseTime - TotalOf(absence), LeaseAbsences.LeastInTerm - inTerm);
        if (absence.EndedAt is not { } ended) return byAbsence;
        var byEnd = Longer(grace - inTerm, grace - time.GetElapsedTime(ended));
        return byEnd < byAbsence ? byEnd : byAbsence;
    }

    private TimeSpan TotalOf(Absence absence) => absence.Carried + time.GetElapsedTime(absence.Since);

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;

    /// <summary>The lease of the very node that the entry leads to: another node's end proves nothing about this route.</summary>
    private static long? EndOf(RouteEntry entry, DesiredVpcState view)
    {
        foreach (var ended in view.Ended)
        {
            if (ended.Subnet == entry.Destination
                && (entry.NextHops.Count == 0 || entry.NextHops[0].Id == ended.NextHopId)) return ended.At;
        }

        return null;
    }

    private static bool IsSame(RouteEntry one, RouteEntry other) =>
        one.RouteEntryId == other.RouteEntryId && one.NextHops.SequenceEqual(other.NextHops);

    private static RouteEntry? EntryOf(RouteAction step) => step switch
    {
        RouteAction.Keep keep => keep.Entry,
        RouteAction.Mark mark => mark.Entry,
        RouteAction.Update rePoint => rePoint.Entry,
        _ => null,
    };
}
