using Flannel.Core;
using Flannel.Core.Leases;

namespace Flanneld.Clients;

/// <summary>Repeats the requests of one term until the store responds. The controller continues without what the store rejects until an
/// operator acts.</summary>
internal class StoreRequestRetry(TimeProvider time, Random random)
{
    public static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);

    /// <param name="whenRejected">The result if the store rejects the request.</param>
    public async Task<T> RunAsync<T>(Func<Task<T>> request, T whenRejected, CancellationToken cancellation)
    {
        var backoff = new Backoff(FirstPause, LongestPause, random);
        while (true)
        {
            try
            {
                return await request();
            }
            catch (SubnetManagerException e) when (IsRejection(e))
            {
                OnRejected(e);
                return whenRejected;
            }
            catch (SubnetManagerException e)
            {
                await Task.Delay(TimerRange.Clamp(backoff.Next(e.RetryAfter)), time, cancellation);
            }
        }
    }

    /// <summary>Whether an operator must act before the request can succeed.</summary>
    protected virtual bool IsRejection(SubnetManagerException failure) => !failure.CanRecover;

    /// <summary>Called before the controller continues without the result.</summary>
    protected virtual void OnRejected(SubnetManagerException failure)
    {
        // The client of Kubernetes logs a missing permission where the request is sent.
    }
}
