using Flannel.Core.Leases;
using Flannel.Core.Routes;

namespace Flannel.Etcd.Registry;

/// <summary>A route status in etcd.</summary>
/// <param name="EtcdLeaseId">The etcd lease that it is attached to; 0 without one.</param>
/// <param name="ModRevision">The revision of its last write.</param>
internal sealed record EtcdRouteStatus(RouteStatus Status, long EtcdLeaseId, long ModRevision) : PublishedRouteStatus(Status)
{
    /// <summary>A key that is deleted and created again may have the same etcd lease.</summary>
    protected override bool BelongsTo(LeaseIdentity identity) =>
        identity is EtcdLeaseIdentity lease && EtcdLeaseId == lease.EtcdLeaseId && ModRevision > lease.CreateRevision;
}
