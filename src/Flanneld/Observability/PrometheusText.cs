using System.Globalization;
using System.Text;

namespace Flanneld.Observability;

/// <summary>The parts of Prometheus' text format 0.0.4.</summary>
internal static class PrometheusText
{
    public static void Heading(StringBuilder text, string name, string help, string type) =>
        text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n");

    /// <summary>One gauge with its heading.</summary>
    public static void Gauge(StringBuilder text, string name, string help, double value, string labels = "")
    {
        Heading(text, name, help, "gauge");
        text.Append(CultureInfo.InvariantCulture, $"{name}{labels} {value}\n");
    }

    /// <summary>Unix time.</summary>
    public static double Seconds(DateTimeOffset time) => time.ToUnixTimeMilliseconds() / 1000.0;
}
