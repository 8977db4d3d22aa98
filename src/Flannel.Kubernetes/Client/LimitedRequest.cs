using System.Globalization;
using Flannel.Core;

namespace Flannel.Kubernetes.Client;

/// <summary>Requests with a shorter time limit than the client's own.</summary>
internal static class LimitedRequest
{
    /// <exception cref="KubeException"><see cref="KubeErrorKind.TimedOut"/> after the limit; the outcome of a write is then
    /// unknown.</exception>
    public static async Task<T> RunAsync<T>(
        Func<CancellationToken, Task<T>> request, TimeSpan atMost, TimeProvider time, CancellationToken cancellation)
    {
        using var limit = new TimeLimit(atMost, time, cancellation);
        try
        {
            return await request(limit.Token);
        }
        catch (OperationCanceledException) when (limit.HasPassed && !cancellation.IsCancellationRequested)
        {
            var seconds = atMost.TotalSeconds.ToString(CultureInfo.InvariantCulture);
            throw new KubeException(KubeErrorKind.TimedOut, $"no response within {seconds} s", mayHaveHappened: true);
        }
    }
}
