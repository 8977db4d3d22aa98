namespace Flannel.Core;

/// <summary>Growing pauses between attempts, with jitter, so that nodes which failed at the same time do not retry at the same time. Not
/// thread-safe.</summary>
/// <param name="first">The upper bound of the first pause.</param>
/// <param name="longest">The upper bound that pauses grow to, doubling.</param>
public sealed class Backoff(TimeSpan first, TimeSpan longest, Random random)
{
    // Beyond any useful bound; a power of it is still a finite number.
    private const int MaxDoublings = 40;

    private static readonly TimeSpan RetryAfterJitter = TimeSpan.FromMilliseconds(500);

    private int failures;

    /// <summary>The number of pauses since the last reset.</summary>
    public int Failures => failures;

    /// <summary>The next pause: between half of the bound and the bound. If the server asks for a longer one, that time and up to 500 ms
    /// more, so that its clients do not return at the same time.</summary>
    /// <param name="retryAfter">The time that the server asks for; null if it does not.</param>
    public TimeSpan Next(TimeSpan? retryAfter = null)
    {
        var bound = Math.Min(first.TotalMilliseconds * Math.Pow(2, Math.Min(failures, MaxDoublings)), longest.TotalMilliseconds);
        failures = failures < int.MaxValue ? failures + 1 : failures;
        var jitter = random.NextDouble();
        var pause = TimeSpan.FromMilliseconds(bound * (0.5 + jitter / 2));
        return retryAfter > pause ? retryAfter.Value + RetryAfterJitter * jitter : pause;
    }

    /// <summary>After a success: the next pause is the first one again.</summary>
    public void Reset() => failures = 0;
}
