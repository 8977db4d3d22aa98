using Flannel.Core;
using Flannel.Kubernetes.Client;

namespace Flannel.Kubernetes.Registry;

/// <summary>The upper bounds of the pauses between the attempts of a request.</summary>
internal sealed record KubeRetryPauses(TimeSpan First, TimeSpan Longest)
{
    /// <summary>Those of client-go's reflector (tools/cache/reflector.go), without its reset: 1,000 nodes send 50 requests per second at
    /// most.</summary>
    public static readonly KubeRetryPauses OfNodes = new(TimeSpan.FromMilliseconds(800), TimeSpan.FromSeconds(30));

    /// <summary>Each of a thousand candidates may lack a permission.</summary>
    public static readonly KubeRetryPauses OfElection = new(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(10))
    {
        Rejected = new KubeRetryPauses(TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(1)),
    };

    /// <summary>After a failure that does not recover by itself; null for the same pauses.</summary>
    public KubeRetryPauses? Rejected { get; init; }
}

/// <summary>Retries requests with a growing back-off that obeys <c>Retry-After</c>. Only time without a failure resets the back-off, not a
/// success: a read that succeeds while a watch or a write fails must not become a busy loop.</summary>
internal sealed class KubeRetryPolicy
{
    private static readonly TimeSpan ResetAfter = TimeSpan.FromMinutes(1);

    private readonly KubeContext context;
    private readonly bool logsFailures;
    private readonly Backoff backoff;
    private readonly Backoff rejected;
    // A text: an account may lack two verbs, and is granted one of them.
    private string? lastLogged;
    private long? pauseEndsAt;

    /// <param name="logsFailures">Log each rejection once, and when the API server becomes unavailable. False if the sender of the
    /// requests does.</param>
    public KubeRetryPolicy(KubeContext context, KubeRetryPauses pauses, bool logsFailures)
    {
        (this.context, this.logsFailures) = (context, logsFailures);
        backoff = new Backoff(pauses.First, pauses.Longest, context.Random);
        rejected = pauses.Rejected is { } other ? new Backoff(other.First, other.Longest, context.Random) : backoff;
    }

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
                if (logsFailures) context.Availability.ReportSuccess();
                return response;
            }
            catch (KubeException e) when (retryRejected || e.CanBeAwaited)
            {
                await PauseAsync(e, cancellation);
            }
        }
    }

    /// <summary>Returns when the request may be repeated.</summary>
    public Task PauseAsync(KubeException failure, CancellationToken cancellation)
    {
        if (logsFailures) Log(failure);
        return PauseAsync(failure.CanRecover ? backoff : rejected, failure.RetryAfter, cancellation);
    }

    /// <summary>Returns when a request may be repeated that succeeded without the expected result, such as a watch that ended at
    /// once.</summary>
    public Task PauseAsync(TimeSpan? retryAfter, CancellationToken cancellation) => PauseAsync(backoff, retryAfter, cancellation);

    private Task PauseAsync(Backoff pauses, TimeSpan? retryAfter, CancellationToken cancellation)
    {
        if (pauseEndsAt is { } last && context.Time.GetElapsedTime(last) > ResetAfter)
        {
            backoff.Reset();
            rejected.Reset();
            lastLogged = null;
        }

        var pause = TimerRange.Clamp(pauses.Next(retryAfter));
        pauseEndsAt = context.Time.TimestampAfter(pause);
        return Task.Delay(pause, context.Time, cancellation);
    }

    private void Log(KubeException failure)
    {
        context.Availability.ReportFailure(failure);
        if (failure.CanRecover || lastLogged == failure.Message) return;
        lastLogged = failure.Message;
        KubeLog.Rejected(context.Logger, failure.Kind, failure.Message.TrimEnd('.'));
    }
}
