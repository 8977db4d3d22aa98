namespace Flannel.RouteController.Execution;

/// <summary>Pauses between looks at entries that settle: short at first, since a settled route is a node that is ready, then growing by
/// half each time, so that a change is found late by no more than half of what it took.</summary>
internal sealed class PollBackoff(Random random)
{
    private const double First = 60;
    private const double Growth = 1.5;
    private const double Longest = 30_000;
    private double bound = First;

    public TimeSpan Next()
    {
        var pause = bound * (0.75 + random.NextDouble() / 4);
        bound = Math.Min(Longest, bound * Growth);
        return TimeSpan.FromMilliseconds(pause);
    }

    public void Reset() => bound = First;
}
