namespace Flannel.AliVpc.Control;

/// <summary>How long the lease of each marked entry has been missing, as seen in this term. Absence counts only in a whole view.</summary>
internal sealed class StaleRoutes(TimeSpan grace, TimeProvider time)
{
    /// <summary>Even with no grace at all, what is deleted was missing in a view before this one.</summary>
    private static readonly TimeSpan LeastGrace = TimeSpan.FromSeconds(1);

    private readonly TimeSpan grace = grace > LeastGrace ? grace : LeastGrace;
    private readonly Dictionary<RouteKey, Absence> missing = [];
    private bool isWhole;

    private sealed record Absence(string EntryId, long Since);

    /// <param name="steps">The whole plan of one table.</param>
    public void Observe(string tableId, IEnumerable<RouteStep> steps, bool viewIsWhole)
    {
        isWhole = viewIsWhole;
        if (!viewIsWhole)
        {
            // Nothing is known of a lease while it could not be seen: the grace begins anew.
            foreach (var key in missing.Keys.Where(key => key.TableId == tableId).ToList()) missing.Remove(key);
            return;
        }

        var candidates = new Dictionary<RouteKey, string>();
        foreach (var step in steps.OfType<RouteStep.Delete>()) candidates.TryAdd(RouteKey.Of(step), step.Entry.RouteEntryId);
        foreach (var key in missing.Keys.Where(key => key.TableId == tableId).ToList())
        {
            if (!candidates.TryGetValue(key, out var id) || id != missing[key].EntryId) missing.Remove(key);
        }

        foreach (var (key, id) in candidates) missing.TryAdd(key, new Absence(id, time.GetTimestamp()));
    }

    /// <summary>Tables that are not looked at any more: what was missing there begins anew when they are.</summary>
    public void Keep(IReadOnlyCollection<string> tableIds)
    {
        foreach (var key in missing.Keys.Where(key => !tableIds.Contains(key.TableId)).ToList()) missing.Remove(key);
    }

    public bool IsDue(RouteStep.Delete step) => step.AtOnce
        || (isWhole && missing.TryGetValue(RouteKey.Of(step), out var seen) && seen.EntryId == step.Entry.RouteEntryId
        && time.GetElapsedTime(seen.Since) >= grace);

    /// <summary>When the next one becomes due; null when none will.</summary>
    public TimeSpan? NextDue()
    {
        var waiting = missing.Values.Select(seen => grace - time.GetElapsedTime(seen.Since)).Where(left => left > TimeSpan.Zero).ToList();
        return waiting.Count == 0 ? null : waiting.Min();
    }
}
