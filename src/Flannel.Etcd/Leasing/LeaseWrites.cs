using Etcdserverpb;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Google.Protobuf;

namespace Flannel.Etcd.Leasing;

/// <summary>The transactions that change a lease. All of them compare what they rest on, and answer with the fresh state
/// otherwise.</summary>
internal sealed class LeaseWrites(EtcdKeys keys, StateReader reader)
{
    /// <summary>Creates the key if the configuration is still the one that was read and no overlapping subnet is leased.</summary>
    public TxnRequest Create(SubnetKey key, LeaseAttributes attributes, long etcdLeaseId, ConfigState config, Ipv4Network network) => new()
    {
        Compare = { Compares.WrittenAt(keys.Config, config.ModRevision), OverlapRanges.Absent(keys, key.Subnet, network) },
        Success = { Put(keys.Lease(key), attributes, etcdLeaseId), Point(key, attributes, etcdLeaseId) },
        Failure = { reader.Reads() },
    };

    /// <summary>Changes the value of a key that nobody else has written; what it is attached to stays.</summary>
    public TxnRequest Change(Flannel.Core.Leases.Lease lease, LeaseAttributes attributes)
    {
        var put = Put(keys.Lease(lease.Key), attributes, 0);
        put.RequestPut.IgnoreLease = true;
        return new TxnRequest
        {
            Compare = { Compares.WrittenAt(keys.Lease(lease.Key), lease.ModRevision) },
            Success = { put, Point(lease.Key, attributes, lease.EtcdLeaseId) },
            Failure = { reader.Reads() },
        };
    }

    /// <summary>Deletes a key that nobody else has written; answers with the state either way.</summary>
    public TxnRequest Delete(Flannel.Core.Leases.Lease lease) => new()
    {
        Compare = { Compares.WrittenAt(keys.Lease(lease.Key), lease.ModRevision) },
        Success = { new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = keys.Lease(lease.Key) } }, reader.Reads() },
        Failure = { reader.Reads() },
    };

    /// <summary>Where the node finds its lease when it has forgotten it. It goes with the lease; if it is wrong, nobody believes it.</summary>
    private RequestOp Point(SubnetKey key, LeaseAttributes attributes, long etcdLeaseId) => new()
    {
        RequestPut = new PutRequest { Key = keys.Node(attributes.PublicIp), Value = ByteString.CopyFromUtf8(key.ToString()), Lease = etcdLeaseId },
    };

    private static RequestOp Put(ByteString key, LeaseAttributes attributes, long etcdLeaseId) => new()
    {
        RequestPut = new PutRequest { Key = key, Value = UnsafeByteOperations.UnsafeWrap(attributes.ToJson()), Lease = etcdLeaseId },
    };
}
