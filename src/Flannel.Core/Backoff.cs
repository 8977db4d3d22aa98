namespace Flannel.Core;

/// <summary>Growing pauses between attempts, with full jitter above a floor, so that nodes which failed together do not come back together.</summary>
/// <param name="first">The upper bound of the first pause.</param>
/// <param name="longest">The upper bound that pauses grow to, doubling.</param>
/// <param name="random">The source of chance.</param>
public sealed class Backoff(TimeSpan first, TimeSpan longest, Random random)
{
    private int failures;

    /// <summary>How many pauses were taken since the last success.</summary>
    public int Failures => failures;

    /// <summary>The next pause: between half of the bound and the bound.</summary>
    public TimeSpan Next()
    {
        var bound = Math.Min(first.TotalMilliseconds * Math.Pow(2, Math.Min(failures, 40)), longest.TotalMilliseconds);
        failures = Math.Min(failures + 1, 1 << 20);
        return TimeSpan.FromMilliseconds(bound * (0.5 + random.NextDouble() / 2));
    }

    /// <summary>After a success: the next failure starts small again.</summary>
    public void Reset() => failures = 0;
}
