using Etcdserverpb;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Google.Protobuf;

namespace Flannel.Etcd.Registry;

/// <summary>The transactions that change a lease. All of them compare what they rest on, and answer with the fresh state
/// otherwise.</summary>
internal sealed class LeaseWrites(EtcdKeys keys, RegistryReader reader)
{
    /// <summary>Creates the key if the configuration is still the one that was read and no overlapping subnet is leased.</summary>
    public TxnRequest Create(SubnetKey key, LeaseAttributes attributes, long etcdLeaseId, ConfigState config) => new()
    {
        Compare = { TxnCompare.ModRevision(keys.Config, config.ModRevision), OverlapRanges.Absent(keys, key.Subnet) },
        Success = { Put(keys.Lease(key), attributes, etcdLeaseId), Pointers(key, attributes, etcdLeaseId) },
        Failure = { reader.Reads() },
    };

    /// <summary>The same, if no other node has taken the address since its pointer was read: of two instances with one address that start
    /// at once, only one gets a lease. Answers otherwise with the pointer first.</summary>
    public TxnRequest Create(
        SubnetKey key, LeaseAttributes attributes, long etcdLeaseId, ConfigState config, long addressPointerRevision)
    {
        var pointer = keys.Node(attributes.PublicIp);
        var request = Create(key, attributes, etcdLeaseId, config);
        request.Compare.Add(TxnCompare.ModRevision(pointer, addressPointerRevision));
        request.Failure.Insert(0, new RequestOp { RequestRange = new RangeRequest { Key = pointer } });
        return request;
    }

    /// <summary>Changes the value of a key that nobody else has written; what it is attached to stays.</summary>
    /// <param name="config">What the value was made from: it must still be the one that was read. Null for a value that does not depend on
    /// it.</param>
    public TxnRequest Change(Flannel.Core.Leases.Lease lease, LeaseAttributes attributes, ConfigState? config = null)
    {
        var put = Put(keys.Lease(lease.Key), attributes, 0);
        put.RequestPut.IgnoreLease = true;
        var request = new TxnRequest
        {
            Compare = { TxnCompare.ModRevision(keys.Lease(lease.Key), lease.ModRevision) },
            Success = { put, Pointers(lease.Key, attributes, lease.EtcdLeaseId) },
            Failure = { reader.Reads() },
        };
        if (config is not null) request.Compare.Add(TxnCompare.ModRevision(keys.Config, config.ModRevision));
        // Should another node have this address by now, it loses a pointer, and finds its lease by its instance or among all.
        if (lease.Attributes.PublicIp != attributes.PublicIp)
        {
            var formerPointer = new DeleteRangeRequest { Key = keys.Node(lease.Attributes.PublicIp) };
            request.Success.Add(new RequestOp { RequestDeleteRange = formerPointer });
        }

        return request;
    }

    /// <summary>Deletes a key that nobody else has written; answers with the state either way.</summary>
    public TxnRequest Delete(Flannel.Core.Leases.Lease lease) => new()
    {
        Compare = { TxnCompare.ModRevision(keys.Lease(lease.Key), lease.ModRevision) },
        Success = { new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = keys.Lease(lease.Key) } }, reader.Reads() },
        Failure = { reader.Reads() },
    };

    /// <summary>Where the node finds its lease when it has forgotten it. They end with the lease; one that is wrong is not relied
    /// on.</summary>
    private IEnumerable<RequestOp> Pointers(SubnetKey key, LeaseAttributes attributes, long etcdLeaseId)
    {
        yield return Point(keys.Node(attributes.PublicIp), key, etcdLeaseId);
        if (LeaseInstance.Read(attributes) is { } instance) yield return Point(keys.Instance(instance.Id), key, etcdLeaseId);
    }

    private static RequestOp Point(ByteString pointer, SubnetKey key, long etcdLeaseId) => new()
    {
        RequestPut = new PutRequest { Key = pointer, Value = ByteString.CopyFromUtf8(key.ToString()), Lease = etcdLeaseId },
    };

    private static RequestOp Put(ByteString key, LeaseAttributes attributes, long etcdLeaseId) => new()
    {
        RequestPut = new PutRequest { Key = key, Value = UnsafeByteOperations.UnsafeWrap(attributes.ToJson()), Lease = etcdLeaseId },
    };
}
