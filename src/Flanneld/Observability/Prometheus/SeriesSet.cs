namespace Flanneld.Observability.Prometheus;

/// <summary>The series of a family by the values of its labels, sorted. Thread-safe.</summary>
/// <param name="create">Creates a series.</param>
internal sealed class SeriesSet<T>(MetricFamily family, Func<T> create) where T : class
{
    /// <summary>More combinations of labels than this program has. From then on new ones share a series whose labels are all
    /// <see cref="MetricFamily.OtherValue"/>.</summary>
    private const int MaxSeries = 500;

    private readonly Lock gate = new();
    private readonly SortedDictionary<string, Series> all = new(StringComparer.Ordinal);

    private sealed record Series(string[] Labels, T Value);

    /// <summary>The series of these values; created if there is none.</summary>
    public T Get(params ReadOnlySpan<string> labels)
    {
        var key = string.Join('\n', labels);
        lock (gate)
        {
            if (all.TryGetValue(key, out var known)) return known.Value;
            var values = all.Count < MaxSeries ? labels.ToArray() : [.. family.Labels.Select(_ => MetricFamily.OtherValue)];
            key = string.Join('\n', values);
            if (!all.TryGetValue(key, out var series)) all[key] = series = new Series(values, create());
            return series.Value;
        }
    }

    public void AppendTo(MetricText text, Action<MetricText, MetricFamily, T, string[]> append)
    {
        Series[] current;
        lock (gate) current = [.. all.Values];
        foreach (var series in current) append(text, family, series.Value, series.Labels);
    }
}

/// <summary>Counters with labels. Thread-safe.</summary>
internal sealed class CounterSet(MetricFamily family)
{
    private readonly SeriesSet<Counter> series = new(family, () => new Counter());

    public void Increment(params ReadOnlySpan<string> labels) => series.Get(labels).Increment();

    public void Add(long amount, params ReadOnlySpan<string> labels) => series.Get(labels).Add(amount);

    public void AppendTo(MetricText text) =>
        series.AppendTo(text, static (text, family, counter, labels) => text.Add(family, counter.Value, labels));
}

/// <summary>Histograms with labels. Thread-safe.</summary>
internal sealed class HistogramSet(MetricFamily family)
{
    private readonly SeriesSet<Histogram> series = new(family, () => new Histogram(family));

    public void Observe(TimeSpan duration, params ReadOnlySpan<string> labels) => series.Get(labels).Observe(duration);

    public void AppendTo(MetricText text) =>
        series.AppendTo(text, static (text, family, histogram, labels) => text.Add(family, histogram, labels));
}
