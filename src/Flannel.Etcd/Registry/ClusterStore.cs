using Etcdserverpb;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Google.Protobuf;
using Lease = Flannel.Core.Leases.Lease;

namespace Flannel.Etcd.Registry;

/// <summary>The cluster's id, and the routes whose lease is missing. Written only under the fence of one term.</summary>
public sealed class ClusterStore : IClusterIdStore
{
    // Two compares are the fence's own, one is the cluster's.
    private const int MaxProvedLeases = EtcdLimits.MaxTxnOperations - 3;

    private readonly EtcdContext context;
    private readonly EtcdKeys keys;
    private readonly ElectionFence fence;
    private ByteString? clusterValue;

    internal ClusterStore(EtcdContext context, ElectionFence fence)
    {
        this.context = context;
        keys = context.Keys;
        this.fence = fence;
    }

    /// <inheritdoc/>
    public string Location => keys.Cluster.ToStringUtf8();

    /// <summary>Reads the id outside a term. Never <see cref="ClusterIdResult.TermOver"/>.</summary>
    /// <exception cref="EtcdException">etcd is unavailable or rejects the request.</exception>
    public static async Task<ClusterIdResult> ReadAsync(IEtcd etcd, EtcdKeys keys, CancellationToken cancellation)
    {
        var response = await etcd.RangeAsync(new RangeRequest { Key = keys.Cluster }, cancellation);
        return response.Kvs is [var pair] ? Parse(pair.Value) : new ClusterIdResult.Missing();
    }

    /// <summary>Reads the id, and creates it if there is none.</summary>
    /// <exception cref="EtcdException">etcd is unavailable or rejects the request. Can be repeated.</exception>
    public async Task<ClusterIdResult> EnsureAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var response = await context.Etcd.RangeAsync(new RangeRequest { Key = keys.Cluster }, cancellation);
            if (response.Kvs is [var pair])
            {
                var result = Parse(pair.Value);
                if (result is ClusterIdResult.Known) clusterValue = pair.Value;
                return result;
            }

            var id = ClusterId.New();
            var value = ByteString.CopyFrom(id.ToJson());
            var created = await context.Etcd.TxnAsync(
                new TxnRequest
                {
                    Compare = { fence.Compares(keys), TxnCompare.CreateRevision(keys.Cluster, 0) },
                    Success = { Put(keys.Cluster, value) },
                    Failure = { Read(keys.Controller) },
                },
                cancellation);
            if (created.Succeeded)
            {
                clusterValue = value;
                return new ClusterIdResult.Known(id);
            }

            if (!fence.Holds(created.Responses[0].ResponseRange.Kvs)) return new ClusterIdResult.TermOver();
        }
    }

    /// <summary>Null if nothing was written yet.</summary>
    /// <exception cref="EtcdException">etcd is unavailable or rejects the request.</exception>
    public async Task<byte[]?> ReadAbsentLeasesAsync(CancellationToken cancellation)
    {
        var response = await context.Etcd.RangeAsync(new RangeRequest { Key = keys.AbsentLeases }, cancellation);
        return response.Kvs is [var pair] ? pair.Value.ToByteArray() : null;
    }

    /// <returns>False if the term is over.</returns>
    /// <exception cref="EtcdException">etcd is unavailable or rejects the request. Can be repeated.</exception>
    public async Task<bool> WriteAbsentLeasesAsync(ReadOnlyMemory<byte> document, CancellationToken cancellation)
    {
        var request = new TxnRequest { Compare = { Fence() }, Success = { Put(keys.AbsentLeases, ByteString.CopyFrom(document.Span)) } };
        return (await context.Etcd.TxnAsync(request, cancellation)).Succeeded;
    }

    /// <summary>One linearizable read of the election, the cluster's id and the leases that a deletion is based on.</summary>
    /// <param name="absent">Subnets that must have no lease: an IPv4 subnet neither alone nor with an IPv6 subnet, and an IPv6 subnet with
    /// no IPv4 subnet.</param>
    /// <param name="unchanged">Leases that must be as they were read.</param>
    /// <exception cref="EtcdException">etcd is unavailable or rejects the request.</exception>
    internal async Task<TermProof> ProveAsync(
        IReadOnlyCollection<IpNetwork> absent, IReadOnlyCollection<Lease> unchanged, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(absent.Count + unchanged.Count, MaxProvedLeases);
        var request = new TxnRequest { Compare = { Fence() }, Failure = { Read(keys.Controller), Read(keys.Cluster) } };
        var absentIpv6 = absent.Where(destination => destination.IsV6).ToHashSet();
        // A key begins with its IPv4 subnet, which is not known when an IPv6 subnet's lease is gone: all keys are read.
        if (absentIpv6.Count > 0) request.Success.Add(ReadKeys(keys.Subnets));
        foreach (var subnet in absent.Select(destination => destination.Ipv4).OfType<Ipv4Network>())
        {
            var key = keys.Subnets + new SubnetKey(subnet);
            request.Compare.Add(TxnCompare.Absent(ByteString.CopyFromUtf8(key), EtcdKeys.EndOf(key + SubnetKey.Ipv6Separator)));
        }

        foreach (var lease in unchanged) request.Compare.Add(TxnCompare.ModRevision(keys.Lease(lease.Key), lease.ModRevision));
        var response = await context.Etcd.TxnAsync(request, cancellation);
        if (response.Succeeded)
        {
            var isLeased = absentIpv6.Count > 0 && response.Responses[0].ResponseRange.Kvs.Any(pair => IsAnyOf(absentIpv6, pair.Key));
            return isLeased ? TermProof.LeasesDiffer : TermProof.Proven;
        }

        var isHeld = fence.Holds(response.Responses[0].ResponseRange.Kvs);
        var cluster = response.Responses[1].ResponseRange.Kvs.FirstOrDefault();
        var isSameCluster = clusterValue is null || clusterValue.Equals(cluster?.Value);
        return isHeld && isSameCluster ? TermProof.LeasesDiffer : TermProof.Unproven;
    }

    /// <summary>Whether it is the key of a lease with one of these IPv6 subnets.</summary>
    private bool IsAnyOf(HashSet<IpNetwork> ipv6Subnets, ByteString key) =>
        SubnetKey.TryParse(key.ToStringUtf8().AsSpan(keys.Subnets.Length), out var subnet)
        && subnet.Ipv6Subnet is { } ipv6 && ipv6Subnets.Contains(ipv6);

    /// <summary>Compares the election and the cluster: an etcd that was emptied or replaced has another id, or none.</summary>
    private IEnumerable<Compare> Fence()
    {
        var compares = fence.Compares(keys);
        return clusterValue is null ? compares : compares.Append(TxnCompare.Value(keys.Cluster, clusterValue));
    }

    private static ClusterIdResult Parse(ByteString value) =>
        ClusterId.ParseJson(value.Span) is { } id ? new ClusterIdResult.Known(id) : new ClusterIdResult.Unreadable();

    private static RequestOp Put(ByteString key, ByteString value) => new() { RequestPut = new PutRequest { Key = key, Value = value } };

    private static RequestOp ReadKeys(string prefix) => new()
    {
        RequestRange = new RangeRequest { Key = ByteString.CopyFromUtf8(prefix), RangeEnd = EtcdKeys.EndOf(prefix), KeysOnly = true },
    };

    private static RequestOp Read(ByteString key) => new() { RequestRange = new RangeRequest { Key = key } };
}
