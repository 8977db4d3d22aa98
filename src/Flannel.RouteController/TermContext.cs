using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Status;

namespace Flannel.RouteController;

/// <summary>What all VPCs of one term share.</summary>
/// <param name="Mark">Of the cluster that the term is of.</param>
internal sealed record TermContext(IRouteControllerTerm Term, OwnershipMark Mark, PublishedStatusCache Board, LeaseAbsences Absences);
