using Flannel.Core.Routes;

namespace Flannel.Core.Leases;

/// <summary>A route status as the subnet manager has it.</summary>
/// <param name="EtcdLeaseId">The etcd lease that it is attached to; 0 without one.</param>
/// <param name="ModRevision">The subnet manager's revision of its last write.</param>
public sealed record PublishedRouteStatus(RouteStatus Status, long EtcdLeaseId, long ModRevision)
{
    /// <summary>True for the status of this holding of the subnet: neither of another node, nor of a lease that ended before.</summary>
    public bool Describes(Lease lease) =>
        EtcdLeaseId == lease.EtcdLeaseId && ModRevision > lease.CreateRevision
        && LeaseInstance.Read(lease.Attributes) is { } instance && Status.IsFor(lease.Subnet, instance.Id);
}
