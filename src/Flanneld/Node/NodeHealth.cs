using Flannel.Core;
using Flanneld.Observability;
using Flanneld.Observability.Prometheus;

namespace Flanneld.Node;

/// <summary>What the health paths report about the node. Safe to call from any thread.</summary>
/// <param name="started">UTC.</param>
internal sealed class NodeHealth(NodeReadiness readiness, DaemonMetrics metrics, LivenessMonitor loops, DateTimeOffset started) : IHealth
{
    private readonly ProcessMetrics process = new(started);

    public string? Hung => loops.Hung;

    public IReadOnlyList<ReadinessCheck> Checks => NodeStatus.Checks(readiness.State);

    public string Metrics()
    {
        var text = new MetricText();
        NodeMetrics.AppendTo(text, readiness.State);
        metrics.AppendTo(text);
        process.AppendTo(text);
        return text.ToString();
    }
}
