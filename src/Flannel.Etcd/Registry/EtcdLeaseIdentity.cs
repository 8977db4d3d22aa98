using Flannel.Core.Leases;

namespace Flannel.Etcd.Registry;

/// <summary>The identity of a lease in etcd. A restored etcd issues the same revisions again, so the etcd lease counts as well.</summary>
/// <param name="CreateRevision">The revision at which the key was created.</param>
/// <param name="EtcdLeaseId">The etcd lease that the key is attached to; 0 for a reservation.</param>
public sealed record EtcdLeaseIdentity(long CreateRevision, long EtcdLeaseId) : LeaseIdentity
{
    public override long Order => CreateRevision;

    /// <summary>A key without an etcd lease, which an operator created for the node with its public address.</summary>
    public override bool IsReservation => EtcdLeaseId == 0;

    /// <summary>The version of a lease is the revision of its last write.</summary>
    public override bool AreVersionsOrdered => true;
}

/// <summary>etcd's numbers of a lease.</summary>
internal static class EtcdLease
{
    extension(Lease lease)
    {
        /// <summary>The etcd lease that the key is attached to; 0 for a reservation.</summary>
        public long EtcdLeaseId => ((EtcdLeaseIdentity)lease.Identity).EtcdLeaseId;

        public long CreateRevision => ((EtcdLeaseIdentity)lease.Identity).CreateRevision;

        /// <summary>The revision of the last write, which every change of the value compares.</summary>
        public long ModRevision => lease.Version;
    }
}
