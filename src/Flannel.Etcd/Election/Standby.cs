using Etcdserverpb;
using Flannel.Core;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Google.Protobuf;
using Mvccpb;
using Lease = Flannel.Core.Leases.Lease;

namespace Flannel.Etcd.Election;

/// <summary>Prepares one of the observers of an election to replace the route controller without delay: its permissions are checked
/// beforehand, and it does not wait when the controller resigns. A key says which node it is, so that the others make no call to the
/// cloud. Without a standby, or after its crash, the observers compete after a random delay.</summary>
/// <remarks>The key is attached to the etcd lease of the node's subnet. The transaction that elects a route controller deletes
/// it.</remarks>
/// <param name="held">The lease of this node; null without one.</param>
internal sealed class Standby(EtcdContext context, ControllerHolder self, Func<Lease?> held)
{
    // Nodes that start together have a route controller long before, and most of them find another standby.
    private static readonly TimeSpan Delay = TimeSpan.FromSeconds(30);

    // A node that cannot become the standby calls the cloud again only after this: one that can may come.
    private static readonly TimeSpan FirstPause = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    private readonly ByteString key = context.Keys.Standby;
    private readonly EtcdRetryPolicy retryPolicy = context.NewRetryPolicy();
    private readonly ObservableValue<long> changes = new(0);
    private volatile bool isReady;

    /// <summary>Whether this node is the standby.</summary>
    public bool IsReady => isReady;

    /// <summary>Deletes the key; for the transaction that elects a route controller.</summary>
    public static RequestOp Delete(EtcdKeys keys) =>
        new() { RequestDeleteRange = new DeleteRangeRequest { Key = keys.Standby } };

    /// <summary>The key may have changed: a new watch has begun.</summary>
    public void Changed() => changes.Set(changes.Current + 1);

    /// <summary>Receives an event of the key.</summary>
    public void Apply(Event change)
    {
        if (change.Type == Event.Types.EventType.Delete || !IsOwn(change.Kv)) isReady = false;
        Changed();
    }

    /// <summary>Runs until it is cancelled.</summary>
    /// <param name="mayControl">Whether this node's permissions allow it to be route controller.</param>
    public async Task RunAsync(Func<CancellationToken, Task<bool>> mayControl, CancellationToken cancellation)
    {
        isReady = false;
        var backoff = new Backoff(FirstPause, LongestPause, context.Random);
        while (true)
        {
            var changed = changes.Changed;
            await Task.Delay(Delay * (1 + context.Random.NextDouble()), context.Time, cancellation);
            try
            {
                var current = (await context.Etcd.RangeAsync(new RangeRequest { Key = key }, cancellation)).Kvs.FirstOrDefault();
                // The events of a watch that was broken are missing.
                isReady = isReady && current is not null && IsOwn(current);
                if (current is not null && (isReady || !IsOwn(current)))
                    await TaskWait.WaitAsync(changed, Timeout.InfiniteTimeSpan, context.Time, cancellation);
                else if (await TryRegisterAsync(current?.ModRevision ?? 0, mayControl, cancellation)) backoff.Reset();
                else await Task.Delay(backoff.Next(), context.Time, cancellation);
            }
            catch (EtcdException e)
            {
                await retryPolicy.PauseAsync(e, cancellation);
            }
        }
    }

    /// <param name="modRevision">Of the key as it was read; 0 if it is absent.</param>
    /// <returns>Whether this node is the standby now.</returns>
    private async Task<bool> TryRegisterAsync(
        long modRevision, Func<CancellationToken, Task<bool>> mayControl, CancellationToken cancellation)
    {
        // Without an etcd lease the key would remain after its node. Read before the check, which sends requests to the cloud.
        if (held() is not { IsReservation: false } lease || !await mayControl(cancellation)) return false;
        try
        {
            isReady = (await context.Etcd.TxnAsync(RegistrationOf(lease, modRevision), cancellation)).Succeeded;
        }
        catch (EtcdException e)
        {
            await retryPolicy.PauseAsync(e, cancellation);
        }

        if (isReady) EtcdLog.BecameStandby(context.Logger);
        return isReady;
    }

    private TxnRequest RegistrationOf(Lease lease, long modRevision)
    {
        var subnet = context.Keys.Lease(lease.Key);
        var value = ByteString.CopyFrom(ControllerHolderValue.ToJson(self));
        return new TxnRequest
        {
            Compare =
            {
                TxnCompare.ModRevision(key, modRevision),
                TxnCompare.CreateRevision(subnet, lease.CreateRevision),
                TxnCompare.LeaseId(subnet, lease.EtcdLeaseId),
            },
            Success = { new RequestOp { RequestPut = new PutRequest { Key = key, Value = value, Lease = lease.EtcdLeaseId } } },
        };
    }

    private bool IsOwn(KeyValue pair) => ControllerHolderValue.Read(pair)?.InstanceId == self.InstanceId;
}
