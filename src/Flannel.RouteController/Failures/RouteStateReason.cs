using Flannel.Core.Routes;

namespace Flannel.RouteController.Failures;

/// <summary>The state of a node's route and its reason, as the node's status says it.</summary>
/// <param name="Message">One line for an operator; may be empty.</param>
/// <param name="RequestId">Of the call that led to this state; may be empty.</param>
internal sealed record RouteStateReason(RouteState State, string Message, string RequestId)
{
    /// <summary>Of the cloud's response; empty if no failed call led to this state.</summary>
    public string Code { get; init; } = "";
}
