namespace Flannel.RouteController.Planning;

/// <summary>A node whose lease can have no route.</summary>
/// <param name="Reason">One line for an operator.</param>
public sealed record UnroutableNode(DesiredRoute Node, string Reason);
