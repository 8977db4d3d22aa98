using Flannel.Core;
using Flannel.Kubernetes.Client;

namespace Flanneld.Clients;

/// <summary>Repeats the requests of one term until the API server answers. The controller continues without what the API server rejects
/// until an operator acts, such as a missing permission, which is logged where the request is sent.</summary>
internal sealed class KubeRequestRetry(TimeProvider time, Random random)
{
    public static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);

    /// <param name="whenRejected">The result if the API server rejects the request.</param>
    public async Task<T> RunAsync<T>(Func<Task<T>> request, T whenRejected, CancellationToken cancellation)
    {
        var backoff = new Backoff(FirstPause, LongestPause, random);
        while (true)
        {
            try
            {
                return await request();
            }
            catch (KubeException e) when (!e.CanRecover)
            {
                return whenRejected;
            }
            catch (KubeException e)
            {
                await Task.Delay(TimerRange.Clamp(backoff.Next(e.RetryAfter)), time, cancellation);
            }
        }
    }
}
