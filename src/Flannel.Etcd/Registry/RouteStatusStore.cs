using Etcdserverpb;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Mvccpb;

namespace Flannel.Etcd.Registry;

/// <summary>The route status of each node, at <c>{prefix}/ali-vpc/routes/{subnet key}</c>. Written only during the term, and attached to
/// the etcd lease of the node's subnet, so that it expires with it.</summary>
public sealed class RouteStatusStore : IRouteStatusStore
{
    // Below EtcdLimits.MaxTxnOperations; two compares are the fence's own.
    private const int BatchSize = 100;

    private readonly EtcdContext context;
    private readonly EtcdKeys keys;
    private readonly ElectionFence fence;
    private EtcdErrorKind? lastLogged;

    internal RouteStatusStore(EtcdContext context, ElectionFence fence)
    {
        this.context = context;
        keys = context.Keys;
        this.fence = fence;
    }

    /// <summary>One lease of a subnet: a key that is deleted and created again may have the same etcd lease.</summary>
    private readonly record struct Attachment(long EtcdLeaseId, long CreateRevision)
    {
        public bool IsDescribedBy(KeyValue status) => status.Lease == EtcdLeaseId && status.ModRevision > CreateRevision;
    }

    /// <summary>All statuses, by the text of their subnet's key. A status that the controller must write again is left out: one that cannot
    /// be read, one that is attached to another etcd lease than its subnet's, and one that is older than its subnet's key. Nodes do not use
    /// the latter two.</summary>
    /// <exception cref="EtcdException">etcd is unavailable or rejects the request.</exception>
    public async Task<IReadOnlyDictionary<string, RouteStatus>> ReadAllAsync(CancellationToken cancellation)
    {
        var statuses = new Dictionary<string, RouteStatus>(StringComparer.Ordinal);
        var request = new RangeRequest
        {
            Key = ByteString.CopyFromUtf8(keys.Routes),
            RangeEnd = EtcdKeys.EndOf(keys.Routes),
        };
        await foreach (var page in KeyPages.ReadAsync(context.Etcd, request, isOneRevision: false, cancellation))
        {
            var attached = await AttachmentsAsync(page.Kvs, cancellation);
            foreach (var pair in page.Kvs)
            {
                var key = pair.Key.ToStringUtf8()[keys.Routes.Length..];
                if (attached.TryGetValue(key, out var subnet) && !subnet.IsDescribedBy(pair)) continue;
                if (RouteStatus.Parse(pair.Value.Span) is { } status) statuses[key] = status;
                else EtcdLog.UnreadableStatus(context.Logger, key);
            }
        }

        return statuses;
    }

    /// <summary>The current leases of the subnets of a page of statuses.</summary>
    private async Task<Dictionary<string, Attachment>> AttachmentsAsync(
        RepeatedField<KeyValue> statuses, CancellationToken cancellation)
    {
        var attached = new Dictionary<string, Attachment>(StringComparer.Ordinal);
        if (statuses.Count == 0) return attached;
        var request = new RangeRequest
        {
            Key = Subnet(statuses[0]),
            RangeEnd = EtcdKeys.After(Subnet(statuses[^1])),
            KeysOnly = true,
        };
        await foreach (var page in KeyPages.ReadAsync(context.Etcd, request, isOneRevision: false, cancellation))
        {
            foreach (var pair in page.Kvs)
                attached[pair.Key.ToStringUtf8()[keys.Subnets.Length..]] = new Attachment(pair.Lease, pair.CreateRevision);
        }

        return attached;

        ByteString Subnet(KeyValue status) => ByteString.CopyFromUtf8(keys.Subnets + status.Key.ToStringUtf8()[keys.Routes.Length..]);
    }

    /// <summary>Writes statuses. One whose lease is deleted, or has become another node's, is skipped. One that etcd rejects does not
    /// prevent the others from being written.</summary>
    /// <exception cref="EtcdException">etcd is unavailable or cannot write now. Can be repeated.</exception>
    public async Task<StatusPublishResult> PublishAsync(
        IReadOnlyList<RouteStatusUpdate> statuses, CancellationToken cancellation)
    {
        var rejected = new List<string>();
        foreach (var batch in statuses.Chunk(BatchSize))
        {
            if (!await PublishBatchAsync([.. batch], rejected, cancellation)) return new StatusPublishResult(IsTermHeld: false, rejected);
        }

        if (rejected.Count == 0) lastLogged = null;
        return new StatusPublishResult(IsTermHeld: true, rejected);
    }

    /// <summary>Deletes the statuses of subnets that are not leased any more: those of deleted reservations, and of leases whose node
    /// attached its key to another etcd lease.</summary>
    /// <param name="subnetKeys">As text, from <see cref="ReadAllAsync"/>. One whose lease exists is kept.</param>
    /// <returns>False if the term is over.</returns>
    /// <exception cref="EtcdException">etcd is unavailable or rejects the request.</exception>
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
                var response = await context.Etcd.TxnAsync(request, cancellation);
                if (!response.Succeeded && !fence.Holds(response.Responses[0].ResponseRange.Kvs)) return false;
            }
            catch (EtcdException e) when (IsRejection(e))
            {
                // The next read of all statuses finds it again.
                LogRejection(e, subnetKeys.Count);
                return true;
            }
        }

        return true;
    }

    private async Task<bool> PublishBatchAsync(
        List<RouteStatusUpdate> batch, List<string> rejected, CancellationToken cancellation)
    {
        while (batch.Count > 0)
        {
            TxnResponse response;
            try
            {
                response = await context.Etcd.TxnAsync(Request(batch), cancellation);
            }
            catch (EtcdException e) when (batch.Count > 1 && e.Kind is EtcdErrorKind.LeaseNotFound or EtcdErrorKind.Invalid)
            {
                // The reason is one of them, or their number if etcd allows fewer operations than usual.
                var half = batch.Count / 2;
                return await PublishBatchAsync(batch[..half], rejected, cancellation)
                    && await PublishBatchAsync(batch[half..], rejected, cancellation);
            }
            catch (EtcdException e) when (IsRejection(e))
            {
                // Also for a lease whose key names an etcd lease that does not exist, as after a restore.
                LogRejection(e, batch.Count);
                rejected.AddRange(batch.Select(update => update.Lease.Key.ToString()));
                return true;
            }

            if (response.Succeeded) return true;
            if (!fence.Holds(response.Responses[0].ResponseRange.Kvs)) return false;
            batch = Remaining(batch, response);
        }

        return true;
    }

    private TxnRequest Request(List<RouteStatusUpdate> batch)
    {
        var request = new TxnRequest { Compare = { fence.Compares(keys) } };
        request.Failure.Add(new RequestOp { RequestRange = new RangeRequest { Key = keys.Controller, KeysOnly = true } });
        foreach (var (lease, status) in batch)
        {
            // The last write, not only the creation: a node of upstream flannel attaches its key to another etcd lease when it renews, and
            // the status belongs to that one.
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

    /// <summary>True if the same request may be rejected until an operator or another node has changed something.</summary>
    private static bool IsRejection(EtcdException e) =>
        !e.CanRecover || e.Kind is EtcdErrorKind.LeaseNotFound or EtcdErrorKind.NoSpace or EtcdErrorKind.Other;

    private void LogRejection(EtcdException e, int count)
    {
        if (lastLogged == e.Kind) return;
        lastLogged = e.Kind;
        var remedy = e.Kind == EtcdErrorKind.PermissionDenied ? $"; grant the etcd user readwrite on the prefix {keys.Routes}" : "";
        EtcdLog.StatusRejected(context.Logger, count, e.Message.TrimEnd('.') + remedy);
    }

    /// <summary>The batch without the leases that are deleted, with the others as they are now.</summary>
    private static List<RouteStatusUpdate> Remaining(List<RouteStatusUpdate> batch, TxnResponse response)
    {
        var rest = new List<RouteStatusUpdate>();
        for (var i = 0; i < batch.Count; i++)
        {
            var (lease, status) = batch[i];
            var pair = response.Responses[i + 1].ResponseRange.Kvs.FirstOrDefault();
            if (pair is null || pair.CreateRevision != lease.CreateRevision) continue;
            var identity = new EtcdLeaseIdentity(pair.CreateRevision, pair.Lease);
            rest.Add(new(lease with { Identity = identity, Version = pair.ModRevision }, status));
        }

        return rest;
    }
}
