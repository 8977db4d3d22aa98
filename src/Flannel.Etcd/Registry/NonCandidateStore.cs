using System.Text.Json;
using System.Text.Json.Serialization;
using Etcdserverpb;
using Flannel.Core;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Google.Protobuf;
using Mvccpb;
using Lease = Flannel.Core.Leases.Lease;

namespace Flannel.Etcd.Registry;

/// <summary>Why nodes are not candidates for route controller, at <c>{prefix}/ali-vpc/candidates/{instance}</c>. Each key is attached to
/// the etcd lease of its node's subnet, and exists only while no route controller is elected: the transaction that elects one deletes
/// all of them.</summary>
public sealed class NonCandidateStore(EtcdContext context)
{
    private const int MaxUnreadable = 100;

    private readonly EtcdKeys keys = context.Keys;

    /// <summary>Publishes a node's reason. One read, and one write only if the reason or the etcd lease has changed.</summary>
    /// <param name="held">The lease of the node. Nothing is published for a reservation: without an etcd lease the key would remain after
    /// its node.</param>
    /// <returns>False if it was not published: a route controller is elected, or the lease has changed.</returns>
    /// <exception cref="EtcdException">etcd is unavailable or rejects the request. Can be repeated.</exception>
    public async Task<bool> PublishAsync(Lease held, NonCandidate node, CancellationToken cancellation)
    {
        if (held.EtcdLeaseId == 0) return false;
        var key = keys.Candidate(node.InstanceId);
        var before = (await context.Etcd.RangeAsync(new RangeRequest { Key = key }, cancellation)).Kvs.FirstOrDefault();
        if (before is not null && Parse(before) is { } published && published.Reason == node.Reason)
        {
            if (before.Lease == held.EtcdLeaseId && published.PublicIp == node.PublicIp) return true;
            node = node with { Since = published.Since };
        }

        var value = ByteString.CopyFrom(JsonSerializer.SerializeToUtf8Bytes(node, NonCandidateJson.Default.NonCandidate));
        var lease = keys.Lease(held.Key);
        var request = new TxnRequest
        {
            Compare =
            {
                TxnCompare.CreateRevision(keys.Controller, 0),
                TxnCompare.CreateRevision(lease, held.CreateRevision),
                TxnCompare.LeaseId(lease, held.EtcdLeaseId),
                TxnCompare.ModRevision(key, before?.ModRevision ?? 0),
            },
            Success = { new RequestOp { RequestPut = new PutRequest { Key = key, Value = value, Lease = held.EtcdLeaseId } } },
        };
        return (await context.Etcd.TxnAsync(request, cancellation)).Succeeded;
    }

    /// <param name="limit">The largest number of nodes that are returned; the count is of all.</param>
    /// <exception cref="EtcdException">etcd is unavailable or rejects the request.</exception>
    public async Task<NonCandidateList> ReadAsync(int limit, CancellationToken cancellation)
    {
        var list = await ReadFirstAsync(limit, cancellation);
        // A value that cannot be read must not hide the reasons of the nodes after it.
        if (list.Nodes.Count == limit || list.Count <= limit) return list;
        var longer = await ReadFirstAsync(limit + MaxUnreadable, cancellation);
        return longer with { Nodes = [.. longer.Nodes.Take(limit)] };
    }

    private async Task<NonCandidateList> ReadFirstAsync(int limit, CancellationToken cancellation)
    {
        var request = new RangeRequest
        {
            Key = ByteString.CopyFromUtf8(keys.Candidates),
            RangeEnd = EtcdKeys.EndOf(keys.Candidates),
            Limit = limit,
        };
        var response = await context.Etcd.RangeAsync(request, cancellation);
        return new NonCandidateList([.. response.Kvs.Select(Parse).OfType<NonCandidate>()], response.Count);
    }

    /// <summary>Deletes what an earlier run of a node published.</summary>
    /// <exception cref="EtcdException">etcd is unavailable or rejects the request. Can be repeated.</exception>
    public Task DeleteAsync(string instanceId, CancellationToken cancellation)
    {
        var delete = new DeleteRangeRequest { Key = keys.Candidate(instanceId) };
        return context.Etcd.TxnAsync(new TxnRequest { Success = { new RequestOp { RequestDeleteRange = delete } } }, cancellation);
    }

    /// <summary>Deletes the keys of all nodes; for the transaction that elects a route controller.</summary>
    internal static RequestOp DeleteAll(EtcdKeys keys) => new()
    {
        RequestDeleteRange = new DeleteRangeRequest
        {
            Key = ByteString.CopyFromUtf8(keys.Candidates),
            RangeEnd = EtcdKeys.EndOf(keys.Candidates),
        },
    };

    /// <summary>Null for a value that cannot be read: it explains nothing, and its node counts.</summary>
    private static NonCandidate? Parse(KeyValue pair)
    {
        try
        {
            var node = JsonSerializer.Deserialize(pair.Value.Span, NonCandidateJson.Default.NonCandidate);
            if (node is not { InstanceId: not null, PublicIp: not null, Reason: not null }) return null;
            return new NonCandidate(
                PrintableText.Of(node.InstanceId), PrintableText.Of(node.PublicIp), PrintableText.Of(node.Reason),
                PrintableText.Of(node.RequestId ?? ""), node.Since);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSerializable(typeof(NonCandidate))]
internal sealed partial class NonCandidateJson : JsonSerializerContext;
