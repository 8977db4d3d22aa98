using Flannel.Core;
using Microsoft.Extensions.Logging;

namespace Flannel.Etcd.Client;

/// <summary>Asks etcd again after a failure that can heal, ever less often, and says so once. Only quiet makes it quick again, not an
/// answer: a watch that opens and breaks, or a read that works beside a watch that does not, must not become a loop.</summary>
internal sealed class EtcdRetryPolicy(TimeProvider time, Random random, ILogger logger)
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(10);

    private readonly Backoff backoff = new(First, Longest, random);
    private EtcdErrorKind? told;
    private long? lastPauseEnds;

    /// <param name="evenRefused">Go on even if the failure is one that does not heal by itself: for what runs already and must not end for
    /// it.</param>
    /// <exception cref="EtcdException">The failure cannot heal, and <paramref name="evenRefused"/> is false.</exception>
    public async Task<T> UntilAnsweredAsync<T>(Func<CancellationToken, Task<T>> ask, bool evenRefused, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                return await ask(cancellation);
            }
            catch (EtcdException e) when (evenRefused || e.CanHeal)
            {
                await PauseAsync(e, cancellation);
            }
        }
    }

    public Task PauseAsync(EtcdException after, CancellationToken cancellation)
    {
        var now = time.GetTimestamp();
        if (lastPauseEnds is { } last && time.GetElapsedTime(last, now) > Quiet)
        {
            backoff.Reset();
            told = null;
        }

        // That nobody answers at all is told by the connection; that history is gone, by whoever needed it.
        if (told != after.Kind && after.Kind is not (EtcdErrorKind.Unavailable or EtcdErrorKind.TimedOut or EtcdErrorKind.Compacted))
        {
            told = after.Kind;
            EtcdLog.Refused(logger, after.Kind, after.Message.TrimEnd('.'));
        }

        var pause = backoff.Next();
        lastPauseEnds = now + (long)(pause.TotalSeconds * time.TimestampFrequency);
        return Task.Delay(pause, time, cancellation);
    }
}
