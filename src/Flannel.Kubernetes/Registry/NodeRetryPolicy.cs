using Flannel.Core;
using Flannel.Kubernetes.Client;
using Microsoft.Extensions.Logging;

namespace Flannel.Kubernetes.Registry;

/// <summary>Retries requests with a growing back-off that obeys <c>Retry-After</c>, and logs each kind of rejection once. Only time without
/// a failure resets the back-off, not a success: a list that succeeds while the watch fails must not become a busy loop.</summary>
internal sealed class NodeRetryPolicy(ApiAvailability availability, TimeProvider time, Random random, ILogger logger)
{
    // Those of client-go's reflector (tools/cache/reflector.go), without its reset: 1,000 nodes send 50 requests per second at most.
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(800);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ResetAfter = TimeSpan.FromMinutes(1);

    private readonly Backoff backoff = new(FirstPause, LongestPause, random);
    private KubeErrorKind? lastLogged;
    private long? pauseEndsAt;

    /// <summary>Repeats a request until it succeeds.</summary>
    /// <param name="retryRejected">Retry also what does not recover by itself: for loops that must not end while the process runs.</param>
    /// <exception cref="KubeException">Retrying does not help, and <paramref name="retryRejected"/> is false.</exception>
    public async Task<T> RetryAsync<T>(Func<CancellationToken, Task<T>> request, bool retryRejected, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                var response = await request(cancellation);
                availability.ReportSuccess();
                return response;
            }
            catch (KubeException e) when (retryRejected || e.CanBeAwaited)
            {
                await PauseAsync(e, cancellation);
            }
        }
    }

    /// <summary>Logs a failure, and returns when the request may be repeated.</summary>
    public Task PauseAsync(KubeException failure, CancellationToken cancellation)
    {
        availability.ReportFailure(failure);
        if (!failure.CanRecover && lastLogged != failure.Kind)
        {
            lastLogged = failure.Kind;
            KubeLog.Rejected(logger, failure.Kind, failure.Message.TrimEnd('.'));
        }

        return PauseAsync(failure.RetryAfter, cancellation);
    }

    /// <summary>Returns when a request may be repeated that had an effect, but not the one that was expected.</summary>
    public Task PauseAsync(TimeSpan? retryAfter, CancellationToken cancellation)
    {
        if (pauseEndsAt is { } last && time.GetElapsedTime(last) > ResetAfter)
        {
            backoff.Reset();
            lastLogged = null;
        }

        var pause = TimerRange.Clamp(backoff.Next(retryAfter));
        pauseEndsAt = time.TimestampAfter(pause);
        return Task.Delay(pause, time, cancellation);
    }
}
