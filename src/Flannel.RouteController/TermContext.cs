using Flannel.Core;
using Flannel.RouteController.Abstractions;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Status;

namespace Flannel.RouteController;

/// <summary>What all VPCs of one term share.</summary>
/// <param name="Mark">The mark of this cluster.</param>
/// <param name="Api">Its rate limits are those of the account.</param>
internal sealed record TermContext(IElectedTerm Term, OwnershipMark Mark, PublishedStatusCache Statuses, AbsentLeaseTracker Absences,
    RateLimitedCloudApi Api, LivenessMonitor Loops)
{
    public required IReconcileObserver Observer { get; init; }
}
