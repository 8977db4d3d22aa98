using Etcdserverpb;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Google.Protobuf;
using Lease = Flannel.Core.Leases.Lease;

namespace Flannel.Etcd.Registry;

/// <summary>The transactions that write a lease. Each compares the state that it was decided on, and returns the current state if that
/// has changed.</summary>
internal sealed class LeaseWrites(EtcdKeys keys)
{
    /// <summary>Creates the key if the configuration is still the one that was read and no overlapping subnet is leased.</summary>
    public TxnRequest Create(SubnetKey key, LeaseAttributes attributes, long etcdLeaseId, ConfigState config) => new()
    {
        Compare = { TxnCompare.ModRevision(keys.Config, config.ModRevision), OverlapRanges.Absent(keys, key.Subnet) },
        Success = { Put(keys.Lease(key), attributes, etcdLeaseId), Pointers(key, attributes, etcdLeaseId) },
        Failure = { RegistryReader.Operations(keys) },
    };

    /// <summary>The same, if no other node has taken the address since its pointer was read: of two instances with one address that start
    /// at the same time, only one gets a lease. A failure returns the pointer first.</summary>
    public TxnRequest Create(
        SubnetKey key, LeaseAttributes attributes, long etcdLeaseId, ConfigState config, long addressPointerRevision)
    {
        var pointer = keys.Node(attributes.PublicIp);
        var request = Create(key, attributes, etcdLeaseId, config);
        request.Compare.Add(TxnCompare.ModRevision(pointer, addressPointerRevision));
        request.Failure.Insert(0, new RequestOp { RequestRange = new RangeRequest { Key = pointer } });
        return request;
    }

    /// <summary>Replaces the value of a key that no other client has written. The key stays attached to its etcd lease.</summary>
    /// <param name="config">The configuration that the value was derived from, which must still be the one that was read. Null for a value
    /// that does not depend on it.</param>
    public TxnRequest Update(Lease lease, LeaseAttributes attributes, ConfigState? config = null)
    {
        var put = Put(keys.Lease(lease.Key), attributes, 0);
        put.RequestPut.IgnoreLease = true;
        var request = new TxnRequest
        {
            Compare = { TxnCompare.ModRevision(keys.Lease(lease.Key), lease.ModRevision) },
            Success = { put, Pointers(lease.Key, attributes, lease.EtcdLeaseId) },
            Failure = { RegistryReader.Operations(keys) },
        };
        if (config is not null) request.Compare.Add(TxnCompare.ModRevision(keys.Config, config.ModRevision));
        // If another node has this address by now, it loses a pointer, and finds its lease by its instance or among all leases.
        if (lease.Attributes.PublicIp != attributes.PublicIp)
        {
            var formerPointer = new DeleteRangeRequest { Key = keys.Node(lease.Attributes.PublicIp) };
            request.Success.Add(new RequestOp { RequestDeleteRange = formerPointer });
        }

        return request;
    }

    /// <summary>Deletes a key that no other client has written. Returns the current state in either case.</summary>
    public TxnRequest Delete(Lease lease) => new()
    {
        Compare = { TxnCompare.ModRevision(keys.Lease(lease.Key), lease.ModRevision) },
        Success =
        {
            new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = keys.Lease(lease.Key) } }, RegistryReader.Operations(keys),
        },
        Failure = { RegistryReader.Operations(keys) },
    };

    /// <summary>By its pointers a node without <c>subnet.env</c> finds its lease. They expire with the lease. A pointer that is wrong does
    /// no harm.</summary>
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
