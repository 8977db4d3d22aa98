using System.Globalization;
using Flanneld.Observability.Prometheus;

namespace Flanneld.Tests.Observability.Prometheus;

public sealed class MetricTextTests
{
    private static readonly MetricFamily Plain = Family("flannel_plain");

    [Fact]
    public void Help_and_type_come_once_before_the_series_of_a_family()
    {
        var text = new MetricText();
        var family = Family("flannel_a", "x", "y");
        text.Add(family, 1, "1", "2");
        text.Add(family, 2.5, "3", "4");
        Assert.Equal(
            "# HELP flannel_a Help\n# TYPE flannel_a gauge\nflannel_a{x=\"1\",y=\"2\"} 1\nflannel_a{x=\"3\",y=\"4\"} 2.5\n",
            text.ToString());
    }

    [Theory]
    [InlineData("a\"b", "a\\\"b")]
    [InlineData("a\\b", "a\\\\b")]
    [InlineData("a\nb", "a\\nb")]
    [InlineData("中", "中")]
    public void Label_values_are_escaped(string value, string escaped)
    {
        var text = new MetricText();
        text.Add(Family("flannel_a", "x"), 1, value);
        Assert.EndsWith($"\nflannel_a{{x=\"{escaped}\"}} 1\n", text.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    [InlineData(1234567.25, "1234567.25")]
    [InlineData(-0.5, "-0.5")]
    [InlineData(1732435200, "1732435200")]
    public void Numbers_do_not_depend_on_the_culture(double value, string expected)
    {
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo("") { NumberFormat = { NumberDecimalSeparator = "," } };
            var text = new MetricText();
            text.Add(Plain, value);
            Assert.EndsWith($"\nflannel_plain {expected}\n", text.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void A_histogram_has_cumulative_buckets_sum_and_count()
    {
        var family = new MetricFamily(MetricSection.Etcd, MetricType.Histogram, "flannel_h_seconds", "Help", "x") { Bounds = [0.1, 1] };
        var histogram = new Histogram(family);
        foreach (var milliseconds in new[] { 50, 100, 101, 5000 }) histogram.Observe(TimeSpan.FromMilliseconds(milliseconds));
        var text = new MetricText();
        text.Add(family, histogram, "a");
        Assert.Equal(
            """
            # HELP flannel_h_seconds Help
            # TYPE flannel_h_seconds histogram
            flannel_h_seconds_bucket{x="a",le="0.1"} 2
            flannel_h_seconds_bucket{x="a",le="1"} 3
            flannel_h_seconds_bucket{x="a",le="+Inf"} 4
            flannel_h_seconds_sum{x="a"} 5.251
            flannel_h_seconds_count{x="a"} 4

            """, text.ToString());
    }

    [Fact]
    public void Counters_have_a_limit_of_series_and_count_the_rest_as_other()
    {
        var family = new MetricFamily(MetricSection.Etcd, MetricType.Counter, "flannel_c_total", "Help", "x");
        var counters = new CounterSet(family);
        Parallel.For(0, 2000, i => counters.Increment(i.ToString(CultureInfo.InvariantCulture)));
        var text = new MetricText();
        counters.AppendTo(text);
        var series = text.ToString().Split('\n').Where(line => line.StartsWith("flannel_c_total{", StringComparison.Ordinal)).ToList();
        Assert.Equal(501, series.Count);
        Assert.Contains("flannel_c_total{x=\"other\"} 1500", series);
    }

    private static MetricFamily Family(string name, params string[] labels) =>
        new(MetricSection.Node, MetricType.Gauge, name, "Help", labels);
}
