using System.Globalization;
using System.Text;

namespace Flanneld.Observability.Prometheus;

/// <summary>A text in Prometheus' format 0.0.4. The series of one family must be added one after another.</summary>
internal sealed class MetricText
{
    private readonly StringBuilder text = new(16 << 10);
    private readonly HashSet<MetricFamily> begun = [];

    public void Add(MetricFamily family, double value, params ReadOnlySpan<string> labels)
    {
        Begin(family);
        AppendSeries(family, "", labels, bound: null, value);
    }

    public void Add(MetricFamily family, bool value, params ReadOnlySpan<string> labels) => Add(family, value ? 1 : 0, labels);

    /// <summary>Unix time, in seconds.</summary>
    public void Add(MetricFamily family, DateTimeOffset time) => Add(family, time.ToUnixTimeMilliseconds() / 1000.0);

    public void Add(MetricFamily family, Histogram histogram, params ReadOnlySpan<string> labels)
    {
        Begin(family);
        var counts = histogram.ReadCumulative();
        for (var i = 0; i < family.Bounds.Length; i++)
            AppendSeries(family, "_bucket", labels, Format(family.Bounds[i]), counts[i]);
        AppendSeries(family, "_bucket", labels, "+Inf", counts[^1]);
        AppendSeries(family, "_sum", labels, bound: null, histogram.SumSeconds);
        AppendSeries(family, "_count", labels, bound: null, counts[^1]);
    }

    public override string ToString() => text.ToString();

    private void Begin(MetricFamily family)
    {
        if (!begun.Add(family)) return;
        var type = family.Type switch
        {
            MetricType.Counter => "counter",
            MetricType.Histogram => "histogram",
            _ => "gauge",
        };
        text.Append("# HELP ").Append(family.Name).Append(' ').Append(Escape(family.Help, quote: false)).Append('\n');
        text.Append("# TYPE ").Append(family.Name).Append(' ').Append(type).Append('\n');
    }

    /// <param name="bound">The value of the label <c>le</c>; null without it.</param>
    private void AppendSeries(MetricFamily family, string suffix, ReadOnlySpan<string> labels, string? bound, double value)
    {
        text.Append(family.Name).Append(suffix);
        if (family.Labels.Length > 0 || bound is not null)
        {
            text.Append('{');
            for (var i = 0; i < family.Labels.Length; i++) AppendLabel(family.Labels[i], labels[i], isFirst: i == 0);
            if (bound is not null) AppendLabel("le", bound, isFirst: family.Labels.Length == 0);
            text.Append('}');
        }

        text.Append(' ').Append(Format(value)).Append('\n');
    }

    private void AppendLabel(string name, string value, bool isFirst)
    {
        if (!isFirst) text.Append(',');
        text.Append(name).Append("=\"").Append(Escape(value, quote: true)).Append('"');
    }

    private static string Escape(string value, bool quote)
    {
        var escaped = value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return quote ? escaped.Replace("\"", "\\\"", StringComparison.Ordinal) : escaped;
    }

    private static string Format(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "NaN",
        _ => value.ToString(CultureInfo.InvariantCulture),
    };
}
