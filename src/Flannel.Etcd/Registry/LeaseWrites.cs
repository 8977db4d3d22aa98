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
    /// <param name="state">All leases, as they were read: none of them overlaps the IPv6 subnet of the key.</param>
    public TxnRequest Create(SubnetKey key, LeaseAttributes attributes, long etcdLeaseId, RegistryState state)
    {
        var request = new TxnRequest
        {
            Compare = { TxnCompare.ModRevision(keys.Config, state.Config.ModRevision), OverlapRanges.Absent(keys, key.Subnet) },
            Success = { Put(keys.Lease(key), attributes, etcdLeaseId), Pointers(key, attributes, etcdLeaseId) },
            Failure = { RegistryReader.Operations(keys) },
        };
        if (key.Ipv6Subnet is not null) request.Compare.Add(NoneCreatedSince(state));
        return request;
    }

    /// <summary>The same, if no other node has taken the address since its pointer was read: of two instances with one address that start
    /// at the same time, only one gets a lease. A failure returns the pointer first.</summary>
    public TxnRequest Create(
        SubnetKey key, LeaseAttributes attributes, long etcdLeaseId, RegistryState state, long addressPointerRevision)
    {
        var pointer = keys.Node(attributes.PublicIp);
        var request = Create(key, attributes, etcdLeaseId, state);
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
            request.Success.Add(Delete(keys.Node(lease.Attributes.PublicIp)));
        }

        return request;
    }

    /// <summary>Replaces the key of a lease by one with the same IPv4 subnet and another IPv6 subnet, or none. The etcd lease stays. No
    /// other node can take the IPv4 subnet meanwhile, and no reader sees the node without a lease. The route status of the former key
    /// stays until the etcd lease ends: only the route controller writes there, and no reader uses it.</summary>
    /// <param name="state">All leases, as they were read: no other one overlaps the new key.</param>
    public TxnRequest Replace(Lease lease, SubnetKey key, LeaseAttributes attributes, RegistryState state) => new()
    {
        Compare =
        {
            TxnCompare.ModRevision(keys.Config, state.Config.ModRevision),
            TxnCompare.ModRevision(keys.Lease(lease.Key), lease.ModRevision),
            NoneCreatedSince(state),
        },
        Success =
        {
            Delete(keys.Lease(lease.Key)), Put(keys.Lease(key), attributes, lease.EtcdLeaseId),
            Pointers(key, attributes, lease.EtcdLeaseId),
        },
        Failure = { RegistryReader.Operations(keys) },
    };

    /// <summary>Gives up the IPv6 subnet of a key that no other client has written. The IPv4 subnet stays leased.</summary>
    public TxnRequest WithoutIpv6(Lease lease)
    {
        var key = new SubnetKey(lease.Subnet);
        return new TxnRequest
        {
            Compare = { TxnCompare.ModRevision(keys.Lease(lease.Key), lease.ModRevision) },
            Success =
            {
                Delete(keys.Lease(lease.Key)), Put(keys.Lease(key), lease.Attributes, lease.EtcdLeaseId),
                Pointers(key, lease.Attributes, lease.EtcdLeaseId),
            },
        };
    }

    /// <summary>Deletes a key that no other client has written. Returns the current state in either case.</summary>
    public TxnRequest Delete(Lease lease) => new()
    {
        Compare = { TxnCompare.ModRevision(keys.Lease(lease.Key), lease.ModRevision) },
        Success = { Delete(keys.Lease(lease.Key)), RegistryReader.Operations(keys) },
        Failure = { RegistryReader.Operations(keys) },
    };

    /// <summary>No lease was created since the state was read. An IPv6 subnet follows the IPv4 subnet in a key, so no range of keys holds
    /// all that overlap it, as <see cref="OverlapRanges"/> has them for IPv4. Instead, the subnet is chosen from a full read, and every
    /// later creation fails the transaction, whatever its subnet, also that of a node of upstream flannel. What a key names never changes,
    /// so renewals and other writes of existing keys do not count; nor do deletions. Nodes that start at the same moment retry on the
    /// state that the failed transaction returns: one of them succeeds each time.</summary>
    /// <remarks>This is the order of revisions, which an etcd that was restored between the read and the write assigns again:
    /// <see cref="IsRestored"/>.</remarks>
    private Compare NoneCreatedSince(RegistryState state) =>
        TxnCompare.NotCreatedAfter(state.Revision, ByteString.CopyFromUtf8(keys.Subnets), EtcdKeys.EndOf(keys.Subnets));

    /// <summary>True if the write has no later revision than the read that it was decided on: etcd was restored between them, and the
    /// transaction compared nothing of what the restored etcd holds.</summary>
    public static bool IsRestored(TxnResponse response, RegistryState state) => response.Header.Revision <= state.Revision;

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

    private static RequestOp Delete(ByteString key) => new() { RequestDeleteRange = new DeleteRangeRequest { Key = key } };
}
