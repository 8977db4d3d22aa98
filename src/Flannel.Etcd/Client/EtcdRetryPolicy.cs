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

    /// <param name="evenRejected">Retry also what does not recover by itself: for parts that run already and must not end for it.</param>
    /// <exception cref="EtcdException">Retrying does not help, and <paramref name="evenRejected"/> is false.</exception>
    public async Task<T> UntilAnsweredAsync<T>(Func<CancellationToken, Task<T>> request, bool evenRejected, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                return await request(cancellation);
            }
            catch (EtcdException e) when (evenRejected || e.CanRecover)
            {
                await PauseAsync(e, cancellation);
            }
        }
    }

    public Task PauseAsync(EtcdException after, CancellationToken cancellation)
    {
        if (pauseEndsAt is { } last && time.GetElapsedTime(last) > ResetAfter)
        {
            backoff.Reset();
            lastLogged = null;
        }

        // The connection logs that etcd is unavailable, and the caller logs that the history is compacted.
        if (lastLogged != after.Kind && after.Kind is not (EtcdErrorKind.Unavailable or EtcdErrorKind.TimedOut or EtcdErrorKind.Compacted))
        {
            lastLogged = after.Kind;
            EtcdLog.Rejected(logger, after.Kind, after.Message.TrimEnd('.'));
        }

        var pause = backoff.Next();
        pauseEndsAt = time.TimestampAfter(pause);
        return Task.Delay(pause, time, cancellation);
    }
}
