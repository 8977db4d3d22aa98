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
internal sealed class SimulatedEtcd(
    string name, Scheduler scheduler, ProcessContext context, EtcdStore store, IEtcdWrites writes, NetworkConditions conditions) : IEtcd
{
    private static readonly TimeSpan Limit = EtcdDurations.Call;
    private readonly List<SimulatedWatch> watches = [];
    private readonly Dictionary<long, TimeSpan> grants = [];
    private readonly Dictionary<long, TimeSpan> leaseEnds = [];

    public bool IsIsolated { get; private set; }

    public long Requests { get; private set; }

    /// <summary>When the process last received a response; null before the first.</summary>
    public TimeSpan? LastResponse { get; private set; }

    /// <summary>When an etcd lease expires by the knowledge of this process, counted from before its last renewal was sent. Null if the
    /// process does not know that a key is attached to the lease.</summary>
    public TimeSpan? EndOf(long leaseId) => leaseEnds.TryGetValue(leaseId, out var end) ? end : null;

    /// <summary>Returns an exception to throw from a watch of the ranges, for tests of unexpected exceptions; null for none.</summary>
    public Func<IReadOnlyList<WatchCreateRequest>, Exception?>? WatchFault { get; set; }

    private bool IsReachable => !IsIsolated && !conditions.ClusterDown;

    public Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancellation) =>
        CallAsync("range", true, () => store.Range(request), cancellation);

    public async Task<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancellation)
    {
        var isRead = request.Success.Concat(request.Failure).All(op => op.RequestCase == RequestOp.RequestOneofCase.RequestRange);
        var response = await CallAsync(isRead ? "read" : "txn", isRead, () => writes.Txn(request), cancellation);
        foreach (var put in response.Succeeded ? request.Success.Select(op => op.RequestPut) : [])
        {
            if (put is not null && grants.TryGetValue(put.Lease, out var end)) leaseEnds.TryAdd(put.Lease, end);
        }

        return response;
    }

    public async Task<LeaseGrantResponse> LeaseGrantAsync(long leaseId, TimeSpan timeToLive, CancellationToken cancellation)
    {
        var sentAt = scheduler.Now;
        var response = await CallAsync("grant", false, () => writes.Grant(leaseId, timeToLive), cancellation);
        grants[response.ID] = sentAt + TimeSpan.FromSeconds(response.TTL);
        return response;
    }

    public async Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, CancellationToken cancellation)
    {
        var sentAt = scheduler.Now;
        var timeToLive = await CallAsync("keepalive", true, () => store.KeepAlive(leaseId), cancellation);
        if (timeToLive is { } remaining) leaseEnds[leaseId] = sentAt + remaining;
        return timeToLive;
    }

    public Task LeaseRevokeAsync(long leaseId, CancellationToken cancellation) =>
        CallAsync(
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
        var watch = await CallAsync("watch", true, () => Open(ranges), cancellation);
        try
        {
            while (true) yield return await watch.NextAsync(cancellation);
        }
        finally
        {
            Close(watch);
        }
    }

    /// <summary>Isolates the process. Streams break within 10 s (no response to a ping), or continue after
    /// <see cref="Reconnect"/>.</summary>
    public void Isolate()
    {
        IsIsolated = true;
        foreach (var watch in watches.ToList())
        {
            if (scheduler.Chance(0.7)) scheduler.After(scheduler.Between(0, 10), () => watch.Break("connection lost"));
        }

        scheduler.After(TimeSpan.FromSeconds(10), () =>
        {
            if (!IsIsolated) return;
            foreach (var watch in watches.ToList()) watch.Break("no response to a ping");
        });
    }

    public void Reconnect()
    {
        IsIsolated = false;
        StoreChanged();
    }

    /// <summary>Closes the connections of an ended process.</summary>
    public void CloseConnections()
    {
        foreach (var watch in watches.ToList()) Close(watch);
    }

    public void StoreChanged()
    {
        if (IsIsolated) return;
        foreach (var watch in watches.ToList()) watch.Poll();
    }

    private SimulatedWatch Open(IReadOnlyList<WatchCreateRequest> ranges)
    {
        var watch = new SimulatedWatch(scheduler, context, store.Watch(ranges), conditions);
        watches.Add(watch);
        if (scheduler.Chance(conditions.WatchSilent))
        {
            scheduler.After(scheduler.Between(0, 60), () =>
            {
                watch.IsSilent = true;
                scheduler.After(EtcdDurations.WatchSilence + EtcdDurations.WatchProbe, () => watch.Break("the watch is silent"));
            });
        }

        watch.Poll();
        return watch;
    }

    private void Close(SimulatedWatch watch)
    {
        watch.Close();
        watches.Remove(watch);
    }

    private Task<T> CallAsync<T>(string operation, bool repeatable, Func<T> execute, CancellationToken cancellation)
    {
        scheduler.CheckThread("a request");
        if (cancellation.IsCancellationRequested) return Task.FromCanceled<T>(cancellation);
        Requests++;
        scheduler.Trace(name, operation);
        var call = new TaskCompletionSource<T>();
        var registration = cancellation.UnsafeRegister(_ => call.TrySetCanceled(cancellation), null);
        if (!IsReachable)
        {
            if (scheduler.Chance(0.5)) Fail(call, scheduler.Between(0, 0.05), EtcdErrorKind.Unavailable, false, registration);
            else Fail(call, Limit, EtcdErrorKind.TimedOut, !repeatable, registration);
            return call.Task;
        }

        var chance = scheduler.Random.NextDouble();
        var isDelayed = chance < conditions.Delayed;
        var isLost = !isDelayed && chance < conditions.Delayed + conditions.RequestLost;
        var limit = Fail(call, Limit, EtcdErrorKind.TimedOut, !repeatable, registration);
        if (isLost) return call.Task;
        Send(isDelayed ? scheduler.Between(5, 25) : Delay(), operation, execute, call, limit, registration);
        if (repeatable && scheduler.Chance(conditions.Duplicated))
            Send(scheduler.Between(0, 9), operation, execute, call, limit, registration);
        return call.Task;
    }

    private void Send<T>(
        TimeSpan delay, string operation, Func<T> execute, TaskCompletionSource<T> call, ScheduledAction limit,
        CancellationTokenRegistration registration)
    {
        var generation = store.Generation;
        scheduler.After(delay, () =>
        {
            // A request in flight is lost when etcd stops, and a late request of an ended process is lost too.
            if (!IsReachable || generation != store.Generation || (context.IsDead && delay > Limit)) return;
            Action respond;
            try
            {
                var result = execute();
                scheduler.Trace(name, operation + " done", store.Revision);
                respond = () => call.TrySetResult(result);
            }
            catch (EtcdException e)
            {
                scheduler.Trace(name, $"{operation} {e.Kind}");
                respond = () => call.TrySetException(e);
            }

            if (scheduler.Chance(conditions.ResponseLost)) return;
            scheduler.After(Delay(), () =>
            {
                if (!IsReachable || generation != store.Generation) return;
                context.Deliver(() =>
                {
                    LastResponse = scheduler.Now;
                    respond();
                    limit.Cancelled = true;
                    registration.Dispose();
                });
            });
        });
    }

    private ScheduledAction Fail<T>(
        TaskCompletionSource<T> call, TimeSpan after, EtcdErrorKind kind, bool mayHaveHappened,
        CancellationTokenRegistration registration) =>
        scheduler.After(after, () =>
        {
            if (call.Task.IsCompleted) return;
            context.Deliver(() =>
            {
                if (call.TrySetException(new EtcdException(kind, $"simulated: {kind}", mayHaveHappened))) scheduler.Trace(name, $"{kind}");
                registration.Dispose();
            });
        });

    private TimeSpan Delay() => scheduler.Chance(conditions.Slow) ? scheduler.Between(0.01, 3) : scheduler.Between(0.0002, 0.005);
}
