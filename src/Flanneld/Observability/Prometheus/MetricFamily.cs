namespace Flanneld.Observability.Prometheus;

/// <summary>The types of Prometheus that this program uses.</summary>
internal enum MetricType
{
    Counter,
    Gauge,
    Histogram,
}

/// <summary>A table of the reference page.</summary>
internal enum MetricSection
{
    Node,
    Etcd,
    Kubernetes,
    Cloud,
    Controller,
    Process,
}

/// <summary>A metric with all of its series.</summary>
/// <param name="Help">One line, without a full stop at its end. It is also the text of docs/reference/metrics.md.</param>
/// <param name="Labels">The names of the labels. Each has few values that this program knows; others become
/// <see cref="OtherValue"/>.</param>
internal sealed record MetricFamily(MetricSection Section, MetricType Type, string Name, string Help, params string[] Labels)
{
    /// <summary>The label value in place of one that this program does not know.</summary>
    public const string OtherValue = "other";

    /// <summary>The upper bounds of the buckets of a histogram, in seconds; empty for other types.</summary>
    public double[] Bounds { get; init; } = [];
}
