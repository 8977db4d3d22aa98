using System.Globalization;
using Flannel.Kubernetes.Client;

namespace Flannel.Kubernetes.Controller;

/// <summary>Limits the time of one request.</summary>
internal static class TimeLimit
{
    /// <exception cref="KubeException"><see cref="KubeErrorKind.TimedOut"/> after the limit; the outcome of a write is then
    /// unknown.</exception>
    public static async Task<T> RunAsync<T>(
        Func<CancellationToken, Task<T>> request, TimeSpan limit, TimeProvider time, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        try
        {
            return await request(either.Token);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            var seconds = limit.TotalSeconds.ToString(CultureInfo.InvariantCulture);
            throw new KubeException(KubeErrorKind.TimedOut, $"no response within {seconds} s", mayHaveHappened: true);
        }
    }
}
