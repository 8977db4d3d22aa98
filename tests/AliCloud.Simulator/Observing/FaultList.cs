namespace AliCloud.Simulator.Observing;

/// <summary>The injected faults, in the order of their creation. Only the first that matches a call applies.</summary>
public sealed class FaultList(Random random)
{
    private readonly Lock _gate = new();
    private readonly List<ActiveFault> _active = [];
    private int _n;

    public IReadOnlyList<Fault> All
    {
        get
        {
            lock (_gate) return [.. _active.Select(w => w.Fault with { Times = w.Times, Skip = w.Skip })];
        }
    }

    /// <returns>The id of the fault.</returns>
    /// <exception cref="FormatException">The fault is invalid.</exception>
    public string Add(Fault fault)
    {
        ArgumentNullException.ThrowIfNull(fault);
        if (fault.Kind == FaultKind.Code && string.IsNullOrEmpty(fault.Code)) throw new FormatException(
            "a fault of kind code needs a code");
        if (fault.Kind is FaultKind.Delay or FaultKind.TimeoutAfterSuccess && fault.DelayMilliseconds <= 0)
            throw new FormatException("this kind of fault needs delayMilliseconds");
        if (fault.Service is not ("vpc" or "ecs" or "sts" or "quotas" or "metadata" or "*"))
            throw new FormatException("service must be vpc, ecs, sts, quotas, metadata or *");
        if (fault.Times is 0 or < -1 || fault.Skip < 0 || fault.EntriesBeyond < 0
            || fault.Probability is not (> 0 and <= 1)) throw new FormatException("this fault would never apply");
        if (fault.HttpStatus is < 200 or > 599) throw new FormatException("httpStatus must be 200 to 599");
        lock (_gate)
        {
            var named = fault with { Id = $"f{++_n}" };
            _active.Add(new ActiveFault(named) { Times = fault.Times, Skip = fault.Skip });
            return named.Id;
        }
    }

    public bool Remove(string id)
    {
        lock (_gate) return _active.RemoveAll(w => w.Fault.Id == id) > 0;
    }

    public void Clear()
    {
        lock (_gate) _active.Clear();
    }

    /// <summary>The fault of a call; null if none matches. Counts down <see cref="Fault.Times"/> and <see cref="Fault.Skip"/>.</summary>
    internal Fault? Take(string service, string action, int entries = 0)
    {
        lock (_gate)
        {
            foreach (var active in _active)
            {
                if (!Matches(active.Fault, service, action)
                    || (active.Fault.EntriesBeyond > 0 && entries <= active.Fault.EntriesBeyond)) continue;
                if (active.Skip > 0)
                {
                    active.Skip--;
                    continue;
                }

                if (active.Fault.Probability < 1 && random.NextDouble() >= active.Fault.Probability) continue;
                if (active.Times > 0 && --active.Times == 0) _active.Remove(active);
                return active.Fault;
            }

            return null;
        }
    }

    private static bool Matches(Fault fault, string service, string action) =>
        (fault.Service == "*" || fault.Service == service)
        && (fault.Action.EndsWith('*') ? action.StartsWith(fault.Action[..^1], StringComparison.Ordinal) : fault.Action == action);

    private sealed class ActiveFault(Fault fault)
    {
        public Fault Fault => fault;
        public int Times { get; set; }
        public int Skip { get; set; }
    }
}
