namespace Flanneld.Observability.Prometheus;

/// <summary>Counts durations by the buckets of a family. Thread-safe.</summary>
internal sealed class Histogram(MetricFamily family)
{
    private readonly long[] counts = new long[family.Bounds.Length + 1];
    private long ticks;

    public double SumSeconds => TimeSpan.FromTicks(Interlocked.Read(ref ticks)).TotalSeconds;

    public void Observe(TimeSpan duration)
    {
        var bucket = 0;
        while (bucket < family.Bounds.Length && duration.TotalSeconds > family.Bounds[bucket]) bucket++;
        Interlocked.Increment(ref counts[bucket]);
        Interlocked.Add(ref ticks, duration.Ticks);
    }

    /// <summary>The number of durations up to each bound, and last that of all.</summary>
    public long[] ReadCumulative()
    {
        var cumulative = new long[counts.Length];
        long sum = 0;
        for (var i = 0; i < counts.Length; i++) cumulative[i] = sum += Interlocked.Read(ref counts[i]);
        return cumulative;
    }
}
