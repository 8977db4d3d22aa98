using Etcdserverpb;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Mvccpb;
using Lease = Flannel.Core.Leases.Lease;

namespace Flannel.Etcd.Registry;

/// <summary>The controller's word to each node, at <c>{prefix}/ali-vpc/routes/{subnet key}</c>. Written only while the term lasts, and
/// attached to the
/// etcd lease of the node's subnet, so that it ends with it.</summary>
public sealed class RouteStatusStore
{
    // etcd refuses transactions of more than 128 conditions or operations; two conditions are the term's own.
    private const int BatchSize = 100;
    private const int PageSize = 4096;

    private readonly IEtcd etcd;
    private readonly EtcdKeys keys;
    private readonly ElectionFence fence;
    private readonly ILogger logger;
    private EtcdErrorKind? lastLogged;

    internal RouteStatusStore(IEtcd etcd, EtcdKeys keys, ElectionFence fence, ILogger logger)
    {
        this.etcd = etcd;
        this.keys = keys;
        this.fence = fence;
        this.logger = logger;
    }

    /// <summary>The word on one subnet; null while there is none that can be read.</summary>
    /// <exception cref="EtcdException">etcd did not answer, or refused.</exception>
    public static async Task<RouteStatus?> ReadAsync(IEtcd etcd, EtcdKeys keys, SubnetKey key, CancellationToken cancellation)
    {
        var answer = await etcd.RangeAsync(new RangeRequest { Key = keys.Route(key.ToString()) }, cancellation);
        return answer.Kvs is [var pair] ? RouteStatus.Parse(pair.Value.Span) : null;
    }

    /// <summary>All that stand in etcd, by the text of their subnet's key. Left out are those that the controller must write again: one
    /// that cannot be read, one that is attached to another etcd lease than its subnet's, and one that is older than its subnet's key.
    /// Nodes do not use the latter two.</summary>
    /// <exception cref="EtcdException">etcd did not answer, or refused.</exception>
    public async Task<IReadOnlyDictionary<string, RouteStatus>> ReadAllAsync(CancellationToken cancellation)
    {
        var statuses = new Dictionary<string, RouteStatus>(StringComparer.Ordinal);
        var request = new RangeRequest
        {
            Key = ByteString.CopyFromUtf8(keys.Routes),
            RangeEnd = EtcdKeys.EndOf(keys.Routes),
            Limit = PageSize,
        };
        while (true)
        {
            var page = await etcd.RangeAsync(request, cancellation);
            var attached = await AttachmentsAsync(page.Kvs, cancellation);
            foreach (var pair in page.Kvs)
            {
                var key = pair.Key.ToStringUtf8()[keys.Routes.Length..];
                if (attached.TryGetValue(key, out var subnet) && !subnet.IsDescribedBy(pair)) continue;
                if (RouteStatus.Parse(pair.Value.Span) is { } status) statuses[key] = status;
                else EtcdLog.UnreadableStatus(logger, key);
            }

            if (!page.More) return statuses;
            request.Key = ByteString.CopyFrom([.. page.Kvs[^1].Key.Span, 0]);
        }
    }

    /// <summary>What tells one holding of a subnet from the next: a key that is deleted and created again may have the same etcd
    /// lease.</summary>
    private readonly record struct Holding(long EtcdLeaseId, long CreateRevision)
    {
        public bool IsDescribedBy(KeyValue status) => status.Lease == EtcdLeaseId && status.ModRevision > CreateRevision;
    }

    /// <summary>The present holdings of the subnets that a page of statuses speaks of.</summary>
    private async Task<Dictionary<string, Holding>> AttachmentsAsync(
        Google.Protobuf.Collections.RepeatedField<KeyValue> statuses, CancellationToken cancellation)
    {
        var attached = new Dictionary<string, Holding>(StringComparer.Ordinal);
        if (statuses.Count == 0) return attached;
        var request = new RangeRequest
        {
            Key = Subnet(statuses[0]),
            RangeEnd = ByteString.CopyFrom([.. Subnet(statuses[^1]).Span, 0]),
            Limit = PageSize,
            KeysOnly = true,
        };
        while (true)
        {
            var page = await etcd.RangeAsync(request, cancellation);
            foreach (var pair in page.Kvs)
                attached[pair.Key.ToStringUtf8()[keys.Subnets.Length..]] = new Holding(pair.Lease, pair.CreateRevision);
            if (!page.More) return attached;
            request.Key = ByteString.CopyFrom([.. page.Kvs[^1].Key.Span, 0]);
        }

        ByteString Subnet(KeyValue status) => ByteString.CopyFromUtf8(keys.Subnets + status.Key.ToStringUtf8()[keys.Routes.Length..]);
    }

    /// <summary>Writes statuses. One whose lease is gone, or has become another node's, is skipped; one that etcd refuses keeps none of the
    /// others from being written.</summary>
    /// <exception cref="EtcdException">etcd did not answer, or cannot write now. To publish the same again is harmless.</exception>
    public async Task<StatusPublication> PublishAsync(
        IReadOnlyList<(Lease Lease, RouteStatus Status)> statuses, CancellationToken cancellation)
    {
        var refused = new List<string>();
        foreach (var batch in statuses.Chunk(BatchSize))
        {
            if (!await PublishBatchAsync([.. batch], refused, cancellation)) return new StatusPublication(IsTermHeld: false, refused);
        }

        if (refused.Count == 0) lastLogged = null;
        return new StatusPublication(IsTermHeld: true, refused);
    }

    /// <summary>Deletes the statuses of subnets that nobody leases any more: those of ended reservations, and of leases of nodes that
    /// attached theirs anew.</summary>
    /// <param name="subnetKeys">As text, from <see cref="ReadAllAsync"/>. One whose lease exists is kept.</param>
    /// <returns>False when the term is over.</returns>
    /// <exception cref="EtcdException">etcd did not answer, or refused.</exception>
    public async Task<bool> DeleteAsync(IReadOnlyCollection<string> subnetKeys, CancellationToken cancellation)
    {
        foreach (var key in subnetKeys)
        {
            var lease = ByteString.CopyFromUtf8(keys.Subnets + key);
            var request = new TxnRequest
            {
                Compare = { fence.Compares(keys), TxnCompare.CreateRevision(lease, 0) },
                Success = { new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = keys.Route(key) } } },
                Failure = { new RequestOp { RequestRange = new RangeRequest { Key = keys.Controller, KeysOnly = true } } },
            };
            try
            {
                var answer = await etcd.TxnAsync(request, cancellation);
                if (!answer.Succeeded && !fence.Holds(answer.Responses[0].ResponseRange.Kvs)) return false;
            }
            catch (EtcdException e) when (IsRefusal(e))
            {
                // It is found again when the statuses are read the next time.
                LogRefusal(e, subnetKeys.Count);
                return true;
            }
        }

        return true;
    }

    private async Task<bool> PublishBatchAsync(
        List<(Lease Lease, RouteStatus Status)> batch, List<string> refused, CancellationToken cancellation)
    {
        while (batch.Count > 0)
        {
            TxnResponse answer;
            try
            {
                answer = await etcd.TxnAsync(Request(batch), cancellation);
            }
            catch (EtcdException e) when (batch.Count > 1 && e.Kind is EtcdErrorKind.LeaseNotFound or EtcdErrorKind.Invalid)
            {
                // One of them is the reason, or, where etcd allows fewer operations than usual, their number.
                var half = batch.Count / 2;
                return await PublishBatchAsync(batch[..half], refused, cancellation)
                    && await PublishBatchAsync(batch[half..], refused, cancellation);
            }
            catch (EtcdException e) when (IsRefusal(e))
            {
                // Also a lease whose key stands in etcd without the etcd lease that it names, as after a restore.
                LogRefusal(e, batch.Count);
                refused.AddRange(batch.Select(one => one.Lease.Key.ToString()));
                return true;
            }

            if (answer.Succeeded) return true;
            if (!fence.Holds(answer.Responses[0].ResponseRange.Kvs)) return false;
            batch = StillThere(batch, answer);
        }

        return true;
    }

    private TxnRequest Request(List<(Lease Lease, RouteStatus Status)> batch)
    {
        var request = new TxnRequest { Compare = { fence.Compares(keys) } };
        request.Failure.Add(new RequestOp { RequestRange = new RangeRequest { Key = keys.Controller, KeysOnly = true } });
        foreach (var (lease, status) in batch)
        {
            // The last write, not only the creation: an upstream node's renewal attaches its key to another etcd lease, and the status
            // belongs to that one.
            request.Compare.Add(TxnCompare.ModRevision(keys.Lease(lease.Key), lease.ModRevision));
            request.Success.Add(new RequestOp
            {
                RequestPut = new PutRequest
                {
                    Key = keys.Route(lease.Key.ToString()),
                    Value = ByteString.CopyFrom(status.ToJson()),
                    Lease = lease.EtcdLeaseId,
                },
            });
            request.Failure.Add(new RequestOp { RequestRange = new RangeRequest { Key = keys.Lease(lease.Key), KeysOnly = true } });
        }

        return request;
    }

    /// <summary>Whether the same request may be refused again and again, until an operator or another node has done something.</summary>
    private static bool IsRefusal(EtcdException e) =>
        !e.CanHeal || e.Kind is EtcdErrorKind.LeaseNotFound or EtcdErrorKind.NoSpace or EtcdErrorKind.Other;

    private void LogRefusal(EtcdException e, int count)
    {
        if (lastLogged == e.Kind) return;
        lastLogged = e.Kind;
        var remedy = e.Kind == EtcdErrorKind.PermissionDenied ? $"; grant the etcd user readwrite on the prefix {keys.Routes}" : "";
        EtcdLog.StatusRefused(logger, count, e.Message.TrimEnd('.') + remedy);
    }

    /// <summary>The batch without the leases that are gone, and with what has become of the others.</summary>
    private static List<(Lease, RouteStatus)> StillThere(List<(Lease Lease, RouteStatus Status)> batch, TxnResponse answer)
    {
        var rest = new List<(Lease, RouteStatus)>();
        for (var i = 0; i < batch.Count; i++)
        {
            var (lease, status) = batch[i];
            var pair = answer.Responses[i + 1].ResponseRange.Kvs.FirstOrDefault();
            if (pair is not null && pair.CreateRevision == lease.CreateRevision)
                rest.Add((lease with { ModRevision = pair.ModRevision, EtcdLeaseId = pair.Lease }, status));
        }

        return rest;
    }
}
