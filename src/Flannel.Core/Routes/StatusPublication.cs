namespace Flannel.Core.Routes;

/// <summary>How the writing of route statuses ended.</summary>
/// <param name="IsTermHeld">False: the term is over, and what was not yet written is not written.</param>
/// <param name="Refused">The keys of the subnets, as text, whose status etcd refused; the others are written.</param>
public sealed record StatusPublication(bool IsTermHeld, IReadOnlyCollection<string> Refused);
