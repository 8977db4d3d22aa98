using Flannel.Core.Routes;

namespace Flannel.RouteController.Observation;

/// <summary>Why the route table of a vSwitch is not known. It goes into the status of the vSwitch's nodes.</summary>
internal sealed record VSwitchProblem(RouteState State, string Message);
