using Flannel.Core;
using Flannel.RouteController.Infrastructure;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flannel.RouteController;

/// <summary>What all terms of a controller share.</summary>
/// <param name="Random">Seeds the generator of each VPC; used by one task at a time.</param>
/// <param name="Loops">Monitors the loops of the VPCs and of their interfaces.</param>
public sealed record ControllerContext(TimeProvider Time, Random Random, ILogger Log, LivenessMonitor Loops)
{
    /// <summary>Receives the results of passes.</summary>
    public IReconcileObserver Observer { get; init; } = NoReconcileObserver.Instance;

    /// <summary>How long writes took in earlier terms of this process.</summary>
    public TransitionTimes TransitionTimes { get; init; } = new();

    /// <summary>Receives the plans of the passes, at level debug.</summary>
    public ILogger PlanLog { get; init; } = NullLogger.Instance;
}
