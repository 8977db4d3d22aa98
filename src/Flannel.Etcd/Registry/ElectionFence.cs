using Etcdserverpb;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Mvccpb;

namespace Flannel.Etcd.Registry;

/// <summary>What tells one term from every other: the revision at which the election's key was created, and the etcd lease that it goes with. An
/// etcd that was restored from a snapshot gives revisions out a second time, but no lease id: those are chosen at random.</summary>
internal sealed record ElectionFence(long Revision, long EtcdLeaseId)
{
    /// <summary>For every transaction that only the holder may make.</summary>
    public IEnumerable<Compare> Compares(EtcdKeys keys) =>
        [TxnCompare.CreateRevision(keys.Controller, Revision), TxnCompare.LeaseId(keys.Controller, EtcdLeaseId)];

    /// <param name="election">What was read of the election's key.</param>
    public bool Holds(IReadOnlyList<KeyValue> election) =>
        election is [var pair] && pair.CreateRevision == Revision && pair.Lease == EtcdLeaseId;
}
