namespace Flannel.RouteController.Infrastructure;

/// <summary>Pauses between reads of entries in transition. They are short at first, because a node waits for its route, and grow by half
/// each time, so that a change is noticed with a delay of at most half of its duration.</summary>
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
