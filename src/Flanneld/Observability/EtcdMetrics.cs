using Flannel.Etcd.Client;
using Flanneld.Observability.Prometheus;

namespace Flanneld.Observability;

/// <summary>The metrics of the client of etcd. Thread-safe.</summary>
internal sealed class EtcdMetrics : IEtcdObserver
{
    private readonly CounterSet requests = new(MetricCatalog.EtcdRequests);
    private readonly HistogramSet durations = new(MetricCatalog.EtcdRequestDuration);
    private readonly Counter watchRestarts = new();

    public Counter RenewalFailures { get; } = new();

    public void RequestEnded(EtcdOperation operation, string code, TimeSpan duration)
    {
        var name = NameOf(operation);
        requests.Increment(name, code);
        durations.Observe(duration, name);
    }

    public void WatchInterrupted() => watchRestarts.Increment();

    public void RenewalFailed() => RenewalFailures.Increment();

    public void AppendTo(MetricText text)
    {
        requests.AppendTo(text);
        durations.AppendTo(text);
        text.Add(MetricCatalog.EtcdWatchRestarts, watchRestarts.Value);
    }

    private static string NameOf(EtcdOperation operation) => operation switch
    {
        EtcdOperation.Range => "range",
        EtcdOperation.Txn => "txn",
        EtcdOperation.LeaseGrant => "lease_grant",
        EtcdOperation.LeaseKeepAlive => "lease_keep_alive",
        EtcdOperation.LeaseTimeToLive => "lease_time_to_live",
        EtcdOperation.LeaseRevoke => "lease_revoke",
        EtcdOperation.Watch => "watch",
        EtcdOperation.Authenticate => "authenticate",
        _ => MetricFamily.OtherValue,
    };
}
