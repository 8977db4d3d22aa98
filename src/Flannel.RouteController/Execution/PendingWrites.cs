using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>Writes that the route tables do not show yet: those that succeeded, and those whose response was lost. The next read of a table
/// shows whether those were executed. It logs and counts every write that succeeded.</summary>
internal sealed class PendingWrites(VpcContext context)
{
    /// <summary>How long a read may lag behind an acknowledged write before the write is repeated.</summary>
    private static readonly TimeSpan ReadLag = TimeSpan.FromSeconds(3);

    /// <summary>The request id in the log if the response was lost.</summary>
    private const string NoRequestId = "-";

    private readonly Dictionary<RouteKey, Acknowledgement> acknowledged = [];
    private readonly Dictionary<RouteKey, RouteAction> unanswered = [];

    // The next hops of the routes that were in place in this term.
    private readonly Dictionary<RouteKey, string> inPlace = [];

    private sealed record Acknowledgement(Type Action, long At);

    public WriteCounts Counts { get; private set; } = WriteCounts.None;

    /// <summary>Whether any route was changed in this term: the credentials may write.</summary>
    public bool HasSucceeded => Counts.Created + Counts.Updated + Counts.Deleted > 0;

    /// <summary>Raised after a route was deleted.</summary>
    public event Action<RouteKey>? Deleted;

    /// <summary>Compares with a table's new plan.</summary>
    /// <param name="isStale">Whether the plan is based on a read from before the last write.</param>
    public void Observe(string tableId, IReadOnlyList<RouteAction> actions, bool isStale)
    {
        RecordInPlace(actions);
        if (acknowledged.Count == 0 && unanswered.Count == 0) return;
        var current = actions.DistinctBy(RouteKey.Of).ToDictionary(RouteKey.Of);
        foreach (var (key, write) in acknowledged.Where(pair => pair.Key.TableId == tableId).ToList())
        {
            var isPending = current.TryGetValue(key, out var action) && action.GetType() == write.Action;
            if (!isPending || context.Time.GetElapsedTime(write.At) >= ReadLag) acknowledged.Remove(key);
        }

        // An older read does not show what became of them.
        if (isStale) return;
        foreach (var (key, write) in unanswered.Where(pair => pair.Key.TableId == tableId).ToList())
        {
            if (IsDone(write, current.GetValueOrDefault(key))) Acknowledge(write, NoRequestId);
            unanswered.Remove(key);
        }
    }

    private void RecordInPlace(IReadOnlyList<RouteAction> actions)
    {
        foreach (var action in actions)
        {
            if (action is RouteAction.Keep keep) inPlace[action.Key] = keep.Desired.NextHop.Id;
        }
    }

    /// <summary>Whether a write for this action succeeded, and the table does not show it yet.</summary>
    public bool Contains(RouteAction action) =>
        acknowledged.TryGetValue(RouteKey.Of(action), out var write) && write.Action == action.GetType()
        && context.Time.GetElapsedTime(write.At) < ReadLag;

    public void AddUnanswered(RouteAction action) => unanswered[RouteKey.Of(action)] = action;

    public void CountCall(bool hasFailed) => Counts += WriteCounts.None with { Calls = 1, FailedCalls = hasFailed ? 1 : 0 };

    public void Acknowledge(RouteAction action, string requestId)
    {
        var key = RouteKey.Of(action);
        acknowledged[key] = new Acknowledgement(action.GetType(), context.Time.GetTimestamp());
        var (log, table, destination) = (context.Log, action.RouteTableId, action.Destination);
        switch (action)
        {
            case RouteAction.Create create:
                Counts += WriteCounts.None with { Created = 1, Repaired = CountRepair(key, create.Desired) };
                RouteControllerLog.RouteCreated(log, table, destination, create.Desired.NextHop.Id, requestId);
                break;
            case RouteAction.Update update:
                Counts += WriteCounts.None with { Updated = 1, Repaired = CountRepair(key, update.Desired) };
                RouteControllerLog.RouteUpdated(
                    log, table, destination, NextHops.IdsOf(update.Entry), update.Desired.NextHop.Id, requestId);
                break;
            case RouteAction.Delete delete:
                Counts += WriteCounts.None with { Deleted = 1 };
                inPlace.Remove(key);
                RouteControllerLog.RouteDeleted(log, table, destination, NextHops.IdsOf(delete.Entry), requestId);
                Deleted?.Invoke(key);
                break;
            case RouteAction.Mark marking:
                RouteControllerLog.RouteMarked(
                    log, table, destination, marking.Desired.NextHop.Id, OwnershipMark.TokenOf(marking.Entry) ?? "-", requestId);
                break;
        }
    }

    /// <summary>A write is a repair if the same route had been in place.</summary>
    private int CountRepair(RouteKey key, DesiredRoute desired) =>
        inPlace.Remove(key, out var nextHop) && nextHop == desired.NextHop.Id ? 1 : 0;

    /// <param name="current">What the table's plan says now; null if it has no entry and none is desired.</param>
    private static bool IsDone(RouteAction write, RouteAction? current) => write is RouteAction.Delete
        ? current is null or RouteAction.KeepInTransition
        : current is RouteAction.Keep or RouteAction.Mark or RouteAction.KeepInTransition;
}
