using Flannel.Kubernetes.Client;
using Microsoft.Extensions.Logging;

namespace Flannel.Kubernetes.Registry;

/// <summary>Logs when the API server becomes unavailable and when it has recovered, each once. One failure is usual: API servers restart,
/// and the next request reaches another one. Thread-safe.</summary>
internal sealed class ApiAvailability(string address, TimeProvider time, ILogger logger)
{
    private readonly Lock gate = new();
    private int failures;
    private long since;

    public void ReportSuccess()
    {
        lock (gate)
        {
            if (failures > 1) KubeLog.Recovered(logger, address, time.GetElapsedTime(since).TotalSeconds);
            failures = 0;
        }
    }

    public void ReportFailure(KubeException failure)
    {
        var isUnavailable = failure.Kind is KubeErrorKind.Unavailable or KubeErrorKind.TimedOut or KubeErrorKind.TooManyRequests
            or KubeErrorKind.Unauthorized;
        if (!isUnavailable) return;
        lock (gate)
        {
            failures++;
            if (failures == 1) since = time.GetTimestamp();
            if (failures == 2) KubeLog.Unavailable(logger, failure.Message.TrimEnd('.'));
            else KubeLog.RequestFailed(logger, failure.Message);
        }
    }
}
