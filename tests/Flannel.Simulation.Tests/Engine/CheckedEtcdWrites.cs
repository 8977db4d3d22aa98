using Etcdserverpb;
using Flannel.Core.Leases;
using Mvccpb;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>Executes the writes of a daemon on the store and checks that they are allowed.</summary>
internal sealed class CheckedEtcdWrites(Cluster cluster, Daemon daemon) : IEtcdWrites
{
    public TxnResponse Txn(TxnRequest request)
    {
        var controller = cluster.Store.Find(cluster.Keys.Controller);
        var before = request.Success.Select(ReadBefore).ToList();
        var response = cluster.Store.Txn(request);
        if (!response.Succeeded) return response;
        foreach (var (key, pair) in before)
        {
            if (key is null) continue;
            if (key.StartsWith(cluster.Keys.Subnets, StringComparison.Ordinal)) CheckOwner(key, pair);
            else if (key.StartsWith(cluster.Keys.Routes, StringComparison.Ordinal) && !IsOwnLease(controller?.Lease))
                cluster.Fail($"{daemon.Machine.Name} wrote {key} and does not hold the election");
        }

        foreach (var op in request.Success.Where(op => op.RequestCase == RequestOp.RequestOneofCase.RequestPut))
        {
            cluster.Invariants.Written(op.RequestPut);
            CheckOverlap(op.RequestPut.Key.ToStringUtf8(), response.Header.Revision);
        }

        return response;
    }

    public LeaseGrantResponse Grant(long id, TimeSpan timeToLive)
    {
        var response = cluster.Store.Grant(id, timeToLive);
        cluster.LeaseOwners[id] = daemon;
        return response;
    }

    public void Revoke(long id)
    {
        foreach (var pair in cluster.Store.Pairs.Where(pair => pair.Lease == id))
        {
            var key = pair.Key.ToStringUtf8();
            if (key.StartsWith(cluster.Keys.Subnets, StringComparison.Ordinal)) CheckOwner(key, pair);
            else if (pair.Key.Equals(cluster.Keys.Controller) && !IsOwnLease(id))
                cluster.Fail($"{daemon.Machine.Name} ends the term of another node");
        }

        cluster.Store.Revoke(id);
    }

    /// <summary>A lease that is created overlaps no other one of either family.</summary>
    private void CheckOverlap(string key, long revision)
    {
        var subnets = cluster.Keys.Subnets;
        if (!key.StartsWith(subnets, StringComparison.Ordinal) || !SubnetKey.TryParse(key.AsSpan(subnets.Length), out var created)) return;
        var leases = cluster.Leases().ToList();
        if (leases.Find(lease => lease.Key == created)?.Pair.CreateRevision != revision) return;
        foreach (var other in leases.Where(lease => lease.Key != created && lease.Key.Overlaps(created)))
            cluster.Fail($"{daemon.Machine.Name} created {created}, which overlaps {other.Key}");
    }

    private void CheckOwner(string key, KeyValue? before)
    {
        if (before is not null && LeaseHolder.Of(before)?.MayBeTakenOverBy(daemon.Machine) != true)
            cluster.Fail($"{daemon.Machine.Name} changed {key} of another node: {before.Value.ToStringUtf8()}");
    }

    private bool IsOwnLease(long? leaseId) =>
        leaseId is { } id && cluster.LeaseOwners.TryGetValue(id, out var owner) && owner.Machine == daemon.Machine;

    /// <param name="Key">Null for a read.</param>
    /// <param name="Pair">Null if the key does not exist.</param>
    private sealed record KeyBefore(string? Key, KeyValue? Pair);

    /// <summary>The key that a request writes, before the write.</summary>
    private KeyBefore ReadBefore(RequestOp op)
    {
        var key = op.RequestCase switch
        {
            RequestOp.RequestOneofCase.RequestPut => op.RequestPut.Key,
            RequestOp.RequestOneofCase.RequestDeleteRange => op.RequestDeleteRange.Key,
            _ => null,
        };
        return new KeyBefore(key?.ToStringUtf8(), key is null ? null : cluster.Store.Find(key));
    }
}
