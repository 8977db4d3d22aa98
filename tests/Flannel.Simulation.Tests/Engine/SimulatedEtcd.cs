using System.Runtime.CompilerServices;
using Etcdserverpb;
using Flannel.Etcd.Client;
using Flannel.Etcd.Model;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>The writes of one process to the model of etcd.</summary>
internal interface IEtcdWrites
{
    TxnResponse Txn(TxnRequest request);

    LeaseGrantResponse Grant(long id, TimeSpan timeToLive);

    void Revoke(long id);
}

/// <summary>The etcd client of one process: behaves like <see cref="EtcdConnection"/> over a faulty network.</summary>
internal sealed class SimulatedEtcd(SimulatedProcess process, Cluster cluster, IEtcdWrites writes) : IEtcd
{
    private readonly EtcdStore store = cluster.Store;
    private readonly Scheduler scheduler = cluster.Scheduler;
    private readonly Dictionary<long, TimeSpan> grants = [];
    private readonly Dictionary<long, TimeSpan> leaseEnds = [];

    public SimulatedConnection Connection { get; } = new(
        process, cluster.Scheduler, cluster.Conditions, new SimulatedStore(() => cluster.Store.Generation, () => cluster.Store.Revision),
        new ConnectionLimits(EtcdDurations.Call, TimeSpan.FromSeconds(10), EtcdDurations.WatchSilence + EtcdDurations.WatchProbe));

    /// <summary>When an etcd lease expires by the knowledge of this process, counted from before its last renewal was sent. Null if the
    /// process does not know that a key is attached to the lease.</summary>
    public TimeSpan? EndOf(long leaseId) => leaseEnds.TryGetValue(leaseId, out var end) ? end : null;

    /// <summary>Returns an exception to throw from a watch of the ranges, for tests of unexpected exceptions; null for none.</summary>
    public Func<IReadOnlyList<WatchCreateRequest>, Exception?>? WatchFault { get; set; }

    public Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancellation) =>
        SendAsync("range", true, () => store.Range(request), cancellation);

    public async Task<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancellation)
    {
        var isRead = request.Success.Concat(request.Failure).All(op => op.RequestCase == RequestOp.RequestOneofCase.RequestRange);
        var response = await SendAsync(isRead ? "read" : "txn", isRead, () => writes.Txn(request), cancellation);
        foreach (var put in response.Succeeded ? request.Success.Select(op => op.RequestPut) : [])
        {
            if (put is not null && grants.TryGetValue(put.Lease, out var end)) leaseEnds.TryAdd(put.Lease, end);
        }

        return response;
    }

    public async Task<LeaseGrantResponse> LeaseGrantAsync(long leaseId, TimeSpan timeToLive, CancellationToken cancellation)
    {
        var sentAt = scheduler.Now;
        var response = await SendAsync("grant", false, () => writes.Grant(leaseId, timeToLive), cancellation);
        grants[response.ID] = sentAt + TimeSpan.FromSeconds(response.TTL);
        return response;
    }

    public async Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, CancellationToken cancellation)
    {
        var sentAt = scheduler.Now;
        var timeToLive = await SendAsync("keepalive", true, () => store.KeepAlive(leaseId), cancellation);
        if (timeToLive is { } remaining) leaseEnds[leaseId] = sentAt + remaining;
        return timeToLive;
    }

    public Task LeaseRevokeAsync(long leaseId, CancellationToken cancellation) =>
        SendAsync(
            "revoke",
            true,
            () =>
            {
                writes.Revoke(leaseId);
                return 0;
            },
            cancellation);

    public async IAsyncEnumerable<WatchResponse> WatchAsync(
        IReadOnlyList<WatchCreateRequest> ranges, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (WatchFault?.Invoke(ranges) is { } fault) throw fault;
        var watch = await SendAsync("watch", true, () => Open(ranges), cancellation);
        try
        {
            while (true) yield return await watch.NextAsync(cancellation);
        }
        finally
        {
            Connection.Close(watch);
        }
    }

    private EtcdWatch Open(IReadOnlyList<WatchCreateRequest> ranges) =>
        Connection.Open(new EtcdWatch(scheduler, process.Context, store.Watch(ranges), cluster.Conditions));

    private Task<T> SendAsync<T>(string operation, bool isRepeatable, Func<T> execute, CancellationToken cancellation)
    {
        var request = new SimulatedRequest(operation, fault => fault == RequestFault.Refused
            ? new EtcdException(EtcdErrorKind.Unavailable, "simulated: refused", mayHaveHappened: false)
            : new EtcdException(EtcdErrorKind.TimedOut, "simulated: no response", mayHaveHappened: !isRepeatable))
        {
            IsDuplicated = isRepeatable,
        };
        return Connection.SendAsync(request, execute, rejection: null, cancellation);
    }
}
