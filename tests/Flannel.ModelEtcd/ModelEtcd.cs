using System.Runtime.CompilerServices;
using Etcdserverpb;
using Flannel.Etcd.Client;

namespace Flannel.Etcd.Model;

/// <summary>An <see cref="IEtcd"/> over the store, for tests that run on real threads. It responds to every request at once.</summary>
public sealed class ModelEtcd : IEtcd
{
    private readonly Lock gate = new();
    private readonly EtcdStore store;
    private TaskCompletionSource changed = New();

    public ModelEtcd(TimeProvider time)
    {
        store = new EtcdStore(time);
        store.Changed += NotifyWatchers;
    }

    /// <summary>If false, every request fails and streams break.</summary>
    public bool IsAvailable
    {
        get;
        set
        {
            lock (gate)
            {
                field = value;
                NotifyWatchers();
            }
        }
    }
    = true;

    public Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancellation) =>
        Run(() => store.Range(request), cancellation);

    public Task<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancellation) => Run(() => store.Txn(request), cancellation);

    public Task<LeaseGrantResponse> LeaseGrantAsync(long leaseId, TimeSpan timeToLive, CancellationToken cancellation) =>
        Run(() => store.Grant(leaseId, timeToLive), cancellation);

    public Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, CancellationToken cancellation) =>
        Run(() => store.KeepAlive(leaseId), cancellation);

    public Task LeaseRevokeAsync(long leaseId, CancellationToken cancellation) => Run(() => store.Revoke(leaseId), cancellation);

    public async IAsyncEnumerable<WatchResponse> WatchAsync(
        IReadOnlyList<WatchCreateRequest> ranges, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var cursor = await Run(() => store.Watch(ranges), cancellation);
        foreach (var created in cursor.Created) yield return created;
        while (true)
        {
            Task wait;
            IReadOnlyList<WatchResponse> responses;
            lock (gate)
            {
                cancellation.ThrowIfCancellationRequested();
                store.Tick();
                if (!IsAvailable) throw new EtcdException(EtcdErrorKind.Unavailable, "the stream broke", false);
                responses = cursor.Take();
                wait = changed.Task;
            }

            foreach (var response in responses) yield return response;
            if (responses.Count == 0) await wait.WaitAsync(cancellation);
        }
    }

    /// <summary>Compacts the history.</summary>
    public void Compact()
    {
        lock (gate) store.Compact(store.Revision);
    }

    /// <returns>An action that restores the store to the state of now, and breaks its streams.</returns>
    public Action Snapshot()
    {
        lock (gate)
        {
            var snapshot = store.Snapshot();
            return () =>
            {
                lock (gate) store.Restore(snapshot);
            };
        }
    }

    /// <summary>Expires the leases that are due; those of a real etcd expire by themselves.</summary>
    public void Tick()
    {
        lock (gate) store.Tick();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Task<T> Run<T>(Func<T> request, CancellationToken cancellation)
    {
        lock (gate)
        {
            if (cancellation.IsCancellationRequested) return Task.FromCanceled<T>(cancellation);
            if (!IsAvailable) return Task.FromException<T>(new EtcdException(EtcdErrorKind.Unavailable, "cut off", false));
            store.Tick();
            try
            {
                return Task.FromResult(request());
            }
            catch (EtcdException e)
            {
                return Task.FromException<T>(e);
            }
        }
    }

    private void NotifyWatchers()
    {
        var waiting = changed;
        changed = New();
        waiting.SetResult();
    }
}
