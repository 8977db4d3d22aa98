using System.Globalization;
using Flannel.Kubernetes.Client;
using Flanneld.Observability.Prometheus;

namespace Flanneld.Observability;

/// <summary>The metrics of the client of the Kubernetes API. Thread-safe.</summary>
internal sealed class KubeMetrics : IKubeObserver
{
    private const string NoResponse = "unavailable";

    private readonly CounterSet requests = new(MetricCatalog.KubeRequests);
    private readonly HistogramSet durations = new(MetricCatalog.KubeRequestDuration);
    private readonly Counter watchRestarts = new();

    public void RequestEnded(string verb, string resource, int httpStatus, TimeSpan duration)
    {
        requests.Increment(verb, resource, httpStatus == 0 ? NoResponse : httpStatus.ToString(CultureInfo.InvariantCulture));
        durations.Observe(duration, verb, resource);
    }

    public void WatchInterrupted() => watchRestarts.Increment();

    public void AppendTo(MetricText text)
    {
        requests.AppendTo(text);
        durations.AppendTo(text);
        text.Add(MetricCatalog.KubeWatchRestarts, watchRestarts.Value);
    }
}
