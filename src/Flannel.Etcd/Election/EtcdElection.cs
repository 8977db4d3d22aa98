using Etcdserverpb;
using Flannel.Core;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Google.Protobuf;
using Mvccpb;
using Lease = Flannel.Core.Leases.Lease;

namespace Flannel.Etcd.Election;

/// <summary>The election of the route controller, with the terms of etcd's <c>clientv3/concurrency</c>: the node that creates the key is
/// elected as long as it renews the etcd lease that the key is attached to.</summary>
/// <param name="self">The value that this node writes.</param>
/// <param name="held">The lease of this node's subnet as it is now; null without one.</param>
/// <param name="termTime">Null for <see cref="TermTime"/>; whole seconds, and etcd grants at least 2.</param>
public sealed class EtcdElection(EtcdContext context, ControllerHolder self, Func<Lease?> held, TimeSpan? termTime = null)
{
    /// <summary>After this time another node replaces a controller that crashed; one that resigns is replaced at once. Long enough for an
    /// election within etcd (1 to 3 s) and two lost renewals. Routes keep working meanwhile; only new nodes wait.</summary>
    public static readonly TimeSpan TermTime = TimeSpan.FromSeconds(10);

    // Spreads the reads of the candidates that see the key deleted: the first has written before most of the others read.
    private static readonly TimeSpan CampaignJitter = TimeSpan.FromMilliseconds(200);

    // Longer: an observer checks its permissions in the cloud next. Most of a thousand observers find another node elected before that.
    private static readonly TimeSpan ObserveJitter = TimeSpan.FromSeconds(1);

    private readonly EtcdRetryPolicy retryPolicy = context.NewRetryPolicy();
    private readonly Standby standby = new(context, self, held);
    private ControllerHolder? lastLogged;

    // The etcd lease of this node's last term; 0 if there is none that may still exist.
    private long lastTerm;

    /// <summary>Returns when no other node is elected. An observer needs no permissions in the cloud: the cloud's API counts calls by
    /// account, and an observer makes none, except the one that becomes the standby.</summary>
    /// <param name="mayControl">Whether this node's permissions allow it to be route controller. Called when there is no standby.</param>
    /// <returns>Whether this node was the standby: then its permissions were checked.</returns>
    public async Task<bool> ObserveAsync(Func<CancellationToken, Task<bool>> mayControl, CancellationToken cancellation)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var preparing = standby.RunAsync(mayControl, ended.Token);
        try
        {
            await ObserveAsync(cancellation);
            return standby.IsReady;
        }
        finally
        {
            ended.Cancel();
            await preparing.ConfigureAwait(TaskWait.IgnoringFailure);
        }
    }

    private async Task ObserveAsync(CancellationToken cancellation)
    {
        lastLogged = null;
        while (true)
        {
            try
            {
                var response = await ReadAsync(cancellation);
                if (response.Kvs is not [var key] || IsOfLastTerm(key)) return;
                standby.Changed();
                await WaitWhileHeldAsync(key, response.Header.Revision, ObserveJitter, cancellation);
            }
            catch (EtcdException e)
            {
                await retryPolicy.PauseAsync(e, cancellation);
            }
        }
    }

    /// <summary>Whether no other node is elected now. False also if etcd is unavailable.</summary>
    public async Task<bool> IsVacantAsync(CancellationToken cancellation)
    {
        try
        {
            return (await ReadAsync(cancellation)).Kvs is not [var key] || IsOfLastTerm(key);
        }
        catch (EtcdException)
        {
            return false;
        }
    }

    /// <summary>Waits until this node is elected, and retries after every failure. If it is cancelled, it leaves nothing in etcd. An
    /// earlier term must be disposed of.</summary>
    public async Task<ElectedTerm> CampaignAsync(CancellationToken cancellation)
    {
        lastLogged = null;
        var granted = new GrantedLease(context, termTime ?? TermTime);
        long used = 0;
        try
        {
            while (true)
            {
                if (await TryCampaignAsync(granted, cancellation) is not { } term) continue;
                used = lastTerm = term.EtcdLeaseId;
                EtcdLog.Elected(context.Logger);
                term.Start();
                return term;
            }
        }
        finally
        {
            await granted.RevokeUnusedAsync(used);
        }
    }

    /// <returns>Null to try again.</returns>
    private async Task<ElectedTerm?> TryCampaignAsync(GrantedLease granted, CancellationToken cancellation)
    {
        try
        {
            var response = await ReadAsync(cancellation);
            if (response.Kvs is not [var key]) return await CreateAsync(granted, cancellation);
            // An earlier write, whose response was lost.
            if (granted.Id != 0 && key.Lease == granted.Id) return NewTerm(granted, key.CreateRevision);
            if (IsOfLastTerm(key))
            {
                // Resigned while etcd was unavailable: no node needs to wait until it expires. (After a loss of its quorum etcd starts the
                // time of its leases again.)
                await context.Etcd.LeaseRevokeAsync(lastTerm, cancellation);
                lastTerm = 0;
                return null;
            }

            await granted.RevokeUnusedAsync(0);
            await WaitWhileHeldAsync(key, response.Header.Revision, CampaignJitter, cancellation);
        }
        catch (EtcdException e)
        {
            if (e.Kind == EtcdErrorKind.LeaseNotFound) granted.Abandon();
            await retryPolicy.PauseAsync(e, cancellation);
        }

        return null;
    }

    private Task<RangeResponse> ReadAsync(CancellationToken cancellation) =>
        context.Etcd.RangeAsync(new RangeRequest { Key = context.Keys.Controller }, cancellation);

    private bool IsOfLastTerm(KeyValue key) => lastTerm != 0 && key.Lease == lastTerm;

    /// <returns>Null if another node was faster.</returns>
    private async Task<ElectedTerm?> CreateAsync(GrantedLease granted, CancellationToken cancellation)
    {
        await granted.EnsureAsync(cancellation);
        var value = ByteString.CopyFrom(ControllerHolderValue.ToJson(self));
        var put = new PutRequest { Key = context.Keys.Controller, Value = value, Lease = granted.Id };
        var request = new TxnRequest
        {
            Compare = { TxnCompare.CreateRevision(context.Keys.Controller, 0) },
            // In the same transaction, so that no reason of before the election is read after it.
            Success = { new RequestOp { RequestPut = put }, NonCandidateStore.DeleteAll(context.Keys), Standby.Delete(context.Keys) },
        };
        var response = await context.Etcd.TxnAsync(request, cancellation);
        return response.Succeeded ? NewTerm(granted, response.Header.Revision) : null;
    }

    private ElectedTerm NewTerm(GrantedLease granted, long revision)
    {
        var term = new ElectedTerm(context, new ElectionFence(revision, granted.Id), granted.Expiry);
        granted.MarkUsed();
        return term;
    }

    private async Task WaitWhileHeldAsync(KeyValue key, long revision, TimeSpan jitter, CancellationToken cancellation)
    {
        var holder = ControllerHolderValue.Read(key)!;
        if (holder != lastLogged) EtcdLog.Observing(context.Logger, holder.InstanceId, holder.PublicIp);
        lastLogged = holder;
        await WaitForDeletionAsync(revision, cancellation);
        if (!standby.IsReady) await Task.Delay(jitter * context.Random.NextDouble(), context.Time, cancellation);
    }

    private async Task WaitForDeletionAsync(long revision, CancellationToken cancellation)
    {
        WatchCreateRequest[] ranges =
        [
            new() { Key = context.Keys.Controller, StartRevision = revision + 1 },
            new() { Key = context.Keys.Standby, StartRevision = revision + 1 },
        ];
        await foreach (var response in context.Etcd.WatchAsync(ranges, cancellation))
        {
            if (response.Created && response.Header.Revision < revision) return;
            foreach (var change in response.Events)
            {
                if (change.Kv.Key.Equals(context.Keys.Standby)) standby.Apply(change);
                else if (change.Type == Event.Types.EventType.Delete) return;
            }
        }
    }
}
