using Flannel.Core;
using Microsoft.Extensions.Logging;

namespace Flannel.Etcd.Client;

/// <summary>Retries requests to etcd with a growing back-off, and logs each kind of failure once. Only time without a failure resets the
/// back-off, not a success: a watch that opens and breaks, or a read that succeeds while a watch fails, must not become a busy
/// loop.</summary>
internal sealed class EtcdRetryPolicy(TimeProvider time, Random random, ILogger logger)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ResetAfter = TimeSpan.FromSeconds(10);

    private readonly Backoff backoff = new(FirstPause, LongestPause, random);
    private EtcdErrorKind? lastLogged;
    private long? pauseEndsAt;

    /// <summary>Repeats a request until it succeeds.</summary>
    /// <param name="retryRejected">Retry also what does not recover by itself: for loops that must not end while the process runs.</param>
    /// <exception cref="EtcdException">Retrying does not help, and <paramref name="retryRejected"/> is false.</exception>
    public async Task<T> RetryAsync<T>(Func<CancellationToken, Task<T>> request, bool retryRejected, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                return await request(cancellation);
            }
            catch (EtcdException e) when (retryRejected || e.CanRecover)
            {
                await PauseAsync(e, cancellation);
            }
        }
    }

    /// <summary>Logs a failure, and returns when the request may be repeated.</summary>
    public Task PauseAsync(EtcdException failure, CancellationToken cancellation)
    {
        if (pauseEndsAt is { } last && time.GetElapsedTime(last) > ResetAfter)
        {
            backoff.Reset();
            lastLogged = null;
        }

        // The connection logs that etcd is unavailable, and the caller logs that the history is compacted.
        var kind = failure.Kind;
        if (lastLogged != kind && kind is not (EtcdErrorKind.Unavailable or EtcdErrorKind.TimedOut or EtcdErrorKind.Compacted))
        {
            lastLogged = kind;
            EtcdLog.Rejected(logger, kind, failure.Message.TrimEnd('.'));
        }

        var pause = backoff.Next();
        pauseEndsAt = time.TimestampAfter(pause);
        return Task.Delay(pause, time, cancellation);
    }
}
