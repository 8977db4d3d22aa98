namespace Flannel.RouteController.Infrastructure;

/// <summary>A moment that the reconciler of a VPC waits for.</summary>
/// <param name="Name">What is done then, such as <c>Resync</c> or <c>Write</c>.</param>
/// <param name="At">UTC.</param>
public sealed record PendingDeadline(string Name, DateTimeOffset At);
