namespace Flannel.RouteController.Planning;

/// <summary>A release of a subnet that this controller knows from a listing: it did not see the node write it.</summary>
/// <param name="LeaseKey">The name of the lease's key.</param>
/// <param name="At">When it was listed first, as a timestamp of the time provider.</param>
public sealed record ListedRelease(VpcId Vpc, string LeaseKey, long At);
