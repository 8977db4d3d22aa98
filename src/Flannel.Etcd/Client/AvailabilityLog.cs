using Microsoft.Extensions.Logging;

namespace Flannel.Etcd.Client;

/// <summary>Logs when etcd becomes unavailable and when it has recovered, each once. Thread-safe.</summary>
internal sealed class AvailabilityLog(TimeProvider time, ILogger logger)
{
    private readonly Lock gate = new();

    // Also read without the lock, after every response.
    private volatile bool isUnavailable;
    private long since;

    /// <summary>How long etcd has been unavailable; null while it is available.</summary>
    public TimeSpan? UnavailableFor
    {
        get
        {
            lock (gate) return isUnavailable ? time.GetElapsedTime(since) : null;
        }
    }

    public void ReportResponse(Member member)
    {
        if (!isUnavailable) return;
        lock (gate)
        {
            if (!isUnavailable) return;
            isUnavailable = false;
            EtcdLog.Recovered(logger, member.Name, time.GetElapsedTime(since).TotalSeconds);
        }
    }

    public void ReportFailure(EtcdException error)
    {
        lock (gate)
        {
            if (isUnavailable) return;
            isUnavailable = true;
            since = time.GetTimestamp();
            EtcdLog.Unavailable(logger, error.Message.TrimEnd('.'));
        }
    }
}
