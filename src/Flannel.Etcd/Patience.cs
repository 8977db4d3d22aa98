using Flannel.Core;
using Microsoft.Extensions.Logging;

namespace Flannel.Etcd;

/// <summary>Asks etcd again after a failure that can heal, ever less often, and says so once.</summary>
internal sealed class Patience(TimeProvider time, Random random, ILogger logger)
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    private readonly Backoff backoff = new(First, Longest, random);
    private EtcdErrorKind? told;

    /// <param name="evenRefused">Go on even if the failure is one that does not heal by itself: for what runs already and must not end for
    /// it.</param>
    /// <exception cref="EtcdException">The failure cannot heal, and <paramref name="evenRefused"/> is false.</exception>
    public async Task<T> UntilAnsweredAsync<T>(Func<CancellationToken, Task<T>> ask, bool evenRefused, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                var answer = await ask(cancellation);
                Answered();
                return answer;
            }
            catch (EtcdException e) when (evenRefused || e.CanHeal)
            {
                await PauseAsync(e, cancellation);
            }
        }
    }

    public Task PauseAsync(EtcdException after, CancellationToken cancellation)
    {
        // That nobody answers at all is told by the connection.
        if (told != after.Kind && after.Kind is not (EtcdErrorKind.Unavailable or EtcdErrorKind.TimedOut))
        {
            told = after.Kind;
            EtcdLog.Refused(logger, after.Kind, after.Message);
        }

        return Task.Delay(backoff.Next(), time, cancellation);
    }

    public void Answered()
    {
        told = null;
        backoff.Reset();
    }
}
