using Flannel.Core;
using Flannel.Kubernetes.Client;

namespace Flannel.Kubernetes.Controller;

/// <summary>The pauses of a loop that must not end while the process runs. Only time without a failure resets the back-off, not a success:
/// a read that succeeds while a write fails must not become a busy loop.</summary>
internal sealed class KubeRetryPolicy(TimeProvider time, Random random)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    // What does not recover by itself: each of a thousand nodes may lack a permission.
    private static readonly TimeSpan FirstRejectedPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestRejectedPause = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan ResetAfter = TimeSpan.FromMinutes(1);

    private readonly Backoff unavailable = new(FirstPause, LongestPause, random);
    private readonly Backoff rejected = new(FirstRejectedPause, LongestRejectedPause, random);
    private long? pauseEndsAt;

    /// <summary>Returns when the request may be repeated.</summary>
    public Task PauseAsync(KubeException failure, CancellationToken cancellation)
    {
        if (pauseEndsAt is { } last && time.GetElapsedTime(last) > ResetAfter)
        {
            unavailable.Reset();
            rejected.Reset();
        }

        var pause = (failure.CanRecover ? unavailable : rejected).Next(failure.RetryAfter);
        pauseEndsAt = time.TimestampAfter(pause);
        return Task.Delay(TimerRange.Clamp(pause), time, cancellation);
    }
}
