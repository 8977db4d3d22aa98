namespace Flannel.RouteController.Execution;

/// <summary>Writes since the term began.</summary>
/// <param name="Calls">Calls of the API that write.</param>
/// <param name="FailedCalls">Those of <paramref name="Calls"/> that failed as a whole.</param>
public sealed record WriteCounts(int Created, int Updated, int Deleted, int Calls, int FailedCalls)
{
    public static readonly WriteCounts None = new(0, 0, 0, 0, 0);

    /// <summary>Those of <see cref="Created"/> and <see cref="Updated"/> that restored a route which had been in place in this
    /// term.</summary>
    public int Repaired { get; init; }

    public static WriteCounts operator +(WriteCounts a, WriteCounts b) => new(
        a.Created + b.Created, a.Updated + b.Updated, a.Deleted + b.Deleted, a.Calls + b.Calls, a.FailedCalls + b.FailedCalls)
    {
        Repaired = a.Repaired + b.Repaired,
    };

    public static WriteCounts operator -(WriteCounts a, WriteCounts b) => new(
        a.Created - b.Created, a.Updated - b.Updated, a.Deleted - b.Deleted, a.Calls - b.Calls, a.FailedCalls - b.FailedCalls)
    {
        Repaired = a.Repaired - b.Repaired,
    };
}
