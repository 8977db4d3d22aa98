using System.Text;
using Flannel.Core;
using Flanneld.Observability;
using Flanneld.Options;

namespace Flanneld.Node;

/// <summary>What the health paths report about the node. Safe to call from any thread.</summary>
/// <param name="started">UTC.</param>
internal sealed class NodeHealth(
    NodeReadiness readiness, ControllerMetrics controllerMetrics, LivenessMonitor loops, DateTimeOffset started)
    : IHealth
{
    public string? Hung => loops.Hung;

    public IReadOnlyList<ReadinessCheck> Checks => NodeStatus.Checks(readiness.State);

    public string Metrics()
    {
        var text = new StringBuilder();
        PrometheusText.Gauge(text, "flannel_build_info", "The version of this program.", 1, $"{{version=\"{ProgramVersion.Text}\"}}");
        NodeMetrics.Append(text, readiness.State);
        PrometheusText.Gauge(
            text, "flannel_route_controller", "1 while this node writes the routes of all nodes.", controllerMetrics.IsController ? 1 : 0);
        text.Append(controllerMetrics.Compose());
        PrometheusText.Gauge(
            text, "process_start_time_seconds", "Start of the process, Unix time.", PrometheusText.Seconds(started));
        PrometheusText.Gauge(text, "process_resident_memory_bytes", "Resident memory, in bytes.", Environment.WorkingSet);
        return text.ToString();
    }
}
