using Flannel.RouteController.Infrastructure;

namespace Flannel.RouteController;

/// <summary>The last pass over one VPC, for an operator. Immutable.</summary>
/// <param name="VpcId">Its id.</param>
/// <param name="At">When it ended, UTC.</param>
/// <param name="Plan">How many actions of each kind the plan had, such as <c>keep 12, create 1</c>.</param>
/// <param name="Failure">Why calls for the whole VPC fail; null while they succeed.</param>
/// <param name="Next">When the next pass begins unless something changes before, UTC.</param>
/// <param name="Deadlines">What the reconciler waits for.</param>
public sealed record VpcPass(
    string VpcId, DateTimeOffset At, string Plan, string? Failure, DateTimeOffset Next, IReadOnlyList<PendingDeadline> Deadlines);
