namespace AliCloud.Simulator.Observing;

/// <summary>All calls since the start or since the last clear. It contains no secrets and no tokens.</summary>
public sealed class CallLog
{
    private readonly Lock _gate = new();
    private readonly List<LoggedCall> _calls = [];
    private long _n;

    public IReadOnlyList<LoggedCall> All => After(0);

    public IReadOnlyList<LoggedCall> After(long n)
    {
        lock (_gate) return [.. _calls.Where(c => c.N > n)];
    }

    /// <summary><c>vpc:CreateRouteEntries</c> → the number of calls.</summary>
    public IReadOnlyDictionary<string, int> Summary(long after = 0) =>
        After(after).GroupBy(c => $"{c.Service}:{c.Action}", StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Count(), StringComparer.Ordinal);

    public int Count(string service, string action)
    {
        lock (_gate) return _calls.Count(c => c.Service == service && c.Action == action);
    }

    public void Clear()
    {
        lock (_gate) _calls.Clear();
    }

    internal void Add(LoggedCall call)
    {
        lock (_gate) _calls.Add(call with { N = ++_n });
    }
}
