namespace Flannel.RouteController.Infrastructure;

/// <summary>Pauses between reads of entries in transition. They are short at first, because a node waits for its route, and grow by half
/// each time, so that a change is found late by at most half of the time that it took.</summary>
internal sealed class PollBackoff(Random random)
{
    // Milliseconds.
    private const double First = 60;
    private const double Longest = 30_000;
    private const double Growth = 1.5;

    private double bound = First;

    public TimeSpan Next()
    {
        var pause = bound * (0.75 + random.NextDouble() / 4);
        bound = Math.Min(Longest, bound * Growth);
        return TimeSpan.FromMilliseconds(pause);
    }

    public void Reset() => bound = First;
}
