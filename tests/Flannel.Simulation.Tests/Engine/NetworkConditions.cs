namespace Flannel.Simulation.Tests.Engine;

/// <summary>Faults of the network between processes, the store of the leases and the API, as probabilities per request, and
/// outages.</summary>
internal sealed class NetworkConditions
{
    /// <summary>The request does not reach etcd.</summary>
    public double RequestLost { get; set; }

    /// <summary>etcd executes the request, and the response is lost.</summary>
    public double ResponseLost { get; set; }

    /// <summary>etcd executes the request long after the timeout of the client.</summary>
    public double Delayed { get; set; }

    /// <summary>The request reaches two members, as the client does with repeatable requests.</summary>
    public double Duplicated { get; set; }

    public double Slow { get; set; }

    /// <summary>A watch becomes silent.</summary>
    public double WatchSilent { get; set; }

    /// <summary>The Kubernetes API server rejects a request with 429.</summary>
    public double Overloaded { get; set; }

    /// <summary>A list of the Kubernetes API comes from a cache that lacks the last changes.</summary>
    public double StaleCache { get; set; }

    /// <summary>The API is unavailable.</summary>
    public bool CloudDown { get; set; }

    /// <summary>A call does not reach the API.</summary>
    public double CloudLost { get; set; }

    /// <summary>The API executes a call, and the response is lost.</summary>
    public double CloudResponseLost { get; set; }

    /// <summary>The API refuses a call with TaskConflict.</summary>
    public double CloudConflict { get; set; }

    /// <summary>etcd is stopped or has no quorum, or the Kubernetes API server is stopped.</summary>
    public bool ClusterDown { get; set; }

    /// <summary>Whether requests to the Kubernetes API can fail.</summary>
    public bool HasRequestFaults => RequestLost + ResponseLost + Delayed + Overloaded > 0;

    public void Clear()
    {
        (RequestLost, ResponseLost, Delayed, Duplicated, Slow, WatchSilent, Overloaded, StaleCache) = (0, 0, 0, 0, 0, 0, 0, 0);
        (CloudDown, CloudLost, CloudResponseLost, CloudConflict) = (false, 0, 0, 0);
    }
}
