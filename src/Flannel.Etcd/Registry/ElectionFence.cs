using Etcdserverpb;
using Flannel.Etcd.Client;
using Mvccpb;

namespace Flannel.Etcd.Registry;

/// <summary>Identifies one term: the revision at which the election's key was created, and its etcd lease. An etcd that was restored from a
/// snapshot assigns revisions again, but not lease ids: those are random.</summary>
internal sealed record ElectionFence(long Revision, long EtcdLeaseId)
{
    /// <summary>For each transaction that only the elected controller may execute.</summary>
    public IEnumerable<Compare> Compares(EtcdKeys keys) =>
        [TxnCompare.CreateRevision(keys.Controller, Revision), TxnCompare.LeaseId(keys.Controller, EtcdLeaseId)];

    /// <param name="election">The result of a read of the election's key.</param>
    public bool Holds(IReadOnlyList<KeyValue> election) =>
        election is [var pair] && pair.CreateRevision == Revision && pair.Lease == EtcdLeaseId;
}
