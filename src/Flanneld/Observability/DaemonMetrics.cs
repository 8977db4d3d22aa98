using Flanneld.Observability.Prometheus;

namespace Flanneld.Observability;

/// <summary>What the parts of this process count for <c>/metrics</c>. Thread-safe.</summary>
internal sealed class DaemonMetrics
{
    public EtcdMetrics Etcd { get; } = new();

    public KubeMetrics Kube { get; } = new();

    public CloudMetrics Cloud { get; } = new();

    public ControllerMetrics Controller { get; init; } = new();

    public HostRepairs Repairs { get; } = new();

    public LogMessageCounter Log { get; } = new();

    public void AppendTo(MetricText text)
    {
        text.Add(MetricCatalog.LeaseRenewalFailures, Etcd.RenewalFailures.Value);
        Repairs.AppendTo(text);
        Etcd.AppendTo(text);
        Kube.AppendTo(text);
        Cloud.AppendTo(text);
        Controller.AppendTo(text);
        Log.AppendTo(text);
    }
}
