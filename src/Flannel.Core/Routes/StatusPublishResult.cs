namespace Flannel.Core.Routes;

/// <summary>The outcome of a publication of route statuses.</summary>
/// <param name="IsTermHeld">False if the term is over; the remaining statuses are not written.</param>
/// <param name="Rejected">The keys of the subnets, as text, whose status etcd rejected; the others are written.</param>
public sealed record StatusPublishResult(bool IsTermHeld, IReadOnlyCollection<string> Rejected);
