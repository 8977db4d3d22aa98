using System.Globalization;
using Flannel.Kubernetes.Client;
using Flanneld.Observability.Prometheus;

namespace Flanneld.Observability;

/// <summary>The metrics of the client of the Kubernetes API. Thread-safe.</summary>
internal sealed class KubeMetrics : IKubeObserver
{
    private readonly CounterSet requests = new(MetricCatalog.KubeRequests);
    private readonly HistogramSet durations = new(MetricCatalog.KubeRequestDuration);
    private readonly Counter watchRestarts = new();

    public void RequestEnded(string verb, string resource, int httpStatus, TimeSpan duration)
    {
        requests.Increment(verb, resource, CodeOf(httpStatus));
        durations.Observe(duration, verb, resource);
    }

    public void WatchInterrupted() => watchRestarts.Increment();

    public void AppendTo(MetricText text)
    {
        requests.AppendTo(text);
        durations.AppendTo(text);
        text.Add(MetricCatalog.KubeWatchRestarts, watchRestarts.Value);
    }

    private static string CodeOf(int httpStatus) => httpStatus switch
    {
        0 => "unavailable",
        200 or 201 or 400 or 401 or 403 or 404 or 409 or 410 or 422 or 429 or 500 or 502 or 503 or 504 =>
            httpStatus.ToString(CultureInfo.InvariantCulture),
        _ => MetricFamily.OtherValue,
    };
}
