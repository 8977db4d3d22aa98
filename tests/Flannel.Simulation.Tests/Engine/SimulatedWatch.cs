using Etcdserverpb;
using Flannel.Etcd.Client;
using Flannel.Etcd.Model;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>One watch stream: responses arrive delayed and in order until the stream breaks.</summary>
internal sealed class SimulatedWatch(Scheduler scheduler, ProcessContext context, WatchCursor cursor, NetworkConditions conditions)
{
    private readonly Queue<WatchResponse> arrived = new(cursor.Created);
    private EtcdException? broken;
    private TaskCompletionSource<WatchResponse>? pendingRead;
    private TimeSpan lastArrival;
    private bool closed;

    /// <summary>Whether the stream sends nothing, as on a member without a leader.</summary>
    public bool IsSilent { get; set; }

    public void Poll()
    {
        if (closed || IsSilent) return;
        try
        {
            foreach (var response in cursor.Take()) DeliverLater(() => Arrive(response));
        }
        catch (EtcdException e)
        {
            closed = true;
            DeliverLater(() => Fail(e));
        }
    }

    public void Break(string reason)
    {
        if (closed) return;
        closed = true;
        context.Deliver(() => Fail(new EtcdException(EtcdErrorKind.Unavailable, reason, false)), this);
    }

    public void Close() => closed = true;

    public Task<WatchResponse> NextAsync(CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested) return Task.FromCanceled<WatchResponse>(cancellation);
        if (arrived.TryDequeue(out var response)) return Task.FromResult(response);
        if (broken is not null) return Task.FromException<WatchResponse>(broken);
        var read = pendingRead = new TaskCompletionSource<WatchResponse>();
        cancellation.UnsafeRegister(_ => read.TrySetCanceled(cancellation), null);
        return read.Task;
    }

    private void DeliverLater(Action callback)
    {
        var delay = scheduler.Chance(conditions.Slow) ? scheduler.Between(0.01, 2) : scheduler.Between(0.0002, 0.01);
        lastArrival = scheduler.Now + delay > lastArrival ? scheduler.Now + delay : lastArrival;
        scheduler.After(lastArrival - scheduler.Now, () => context.Deliver(callback, this));
    }

    private void Arrive(WatchResponse response)
    {
        if (broken is not null) return;
        if (pendingRead is { } waiting)
        {
            pendingRead = null;
            if (waiting.TrySetResult(response)) return;
        }

        arrived.Enqueue(response);
    }

    private void Fail(EtcdException e)
    {
        broken ??= e;
        pendingRead?.TrySetException(e);
        pendingRead = null;
    }
}
