namespace Flanneld.Observability.Prometheus;

/// <summary>A value that only grows. Thread-safe.</summary>
internal sealed class Counter
{
    private long value;

    public long Value => Interlocked.Read(ref value);

    public void Increment() => Interlocked.Increment(ref value);

    public void Add(long amount) => Interlocked.Add(ref value, amount);
}

/// <summary>A value that is unknown at first. Thread-safe.</summary>
internal sealed class Gauge
{
    private double current = double.NaN;

    /// <summary>Null while it is unknown.</summary>
    public double? Value
    {
        get => Volatile.Read(ref current) is var known && double.IsNaN(known) ? null : known;
        set => Volatile.Write(ref current, value ?? double.NaN);
    }
}
