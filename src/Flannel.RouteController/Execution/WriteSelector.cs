using Flannel.RouteController.Failures;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>Selects the next call for a VPC. A creation comes first, because one call serves the most nodes; one update follows each, so
/// that neither delays the other for long. Deletions and marks come last.</summary>
internal sealed class WriteSelector(
    RouteCreator creator, RouteModifier modifier, RouteDeleter deleter, PendingWrites pending, RouteFailures failures, CidrConflicts cidrs)
{
    private bool isLastCreation;

    /// <param name="actions">The plan of all tables.</param>
    /// <param name="deletable">The deletions of the plan that are allowed now.</param>
    /// <returns>Null if there is nothing to write now.</returns>
    public RouteWrite? Select(IReadOnlyList<RouteAction> actions, IReadOnlyList<RouteAction.Delete> deletable)
    {
        var creations = actions.OfType<RouteAction.Create>()
            .Where(create => IsOpen(create) && cidrs.RejectionOf(create.Destination) is null).ToList();
        var update = actions.OfType<RouteAction.Update>().FirstOrDefault(IsOpen);
        if (update is not null && (creations.Count == 0 || isLastCreation)) return new RouteWrite.UpdateOne(update);
        if (creations.Count > 0) return creator.Next(creations, create => cidrs.FitsBatch(create.Destination));
        if (!actions.Any(action => action is RouteAction.Create)) creator.Reset();
        if (deleter.Next(deletable.Where(IsOpen)) is { } deletion) return deletion;
        if (deletable.Count == 0) deleter.Reset();
        var unmarked = actions.OfType<RouteAction.Mark>().FirstOrDefault(mark => IsOpen(mark) && MayMark(mark));
        return unmarked is null ? null : new RouteWrite.MarkOne(unmarked);
    }

    /// <summary>Whether the limits of marks permit this one now.</summary>
    public bool MayMark(RouteAction.Mark mark) => modifier.MayMark(mark);

    /// <summary>The write is being sent.</summary>
    public void Sent(RouteWrite write) => isLastCreation = write is RouteWrite.CreateMany or RouteWrite.CreateOne;

    private bool IsOpen(RouteAction action) => !failures.Blocks(action) && !pending.Contains(action);
}
