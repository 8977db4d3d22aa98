using Etcdserverpb;
using Flannel.Etcd.Client;
using Flannel.Etcd.Model;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>One watch stream: responses arrive delayed and in order until the stream breaks.</summary>
internal sealed class SimulatedWatch(Scheduler scheduler, ProcessContext context, WatchCursor cursor, NetworkConditions conditions)
{
    private readonly Queue<WatchResponse> arrived = new(cursor.Created);
    private EtcdException? broken;
    private TaskCompletionSource<WatchResponse>? asked;
    private TimeSpan last;
    private bool closed;

    /// <summary>Whether the stream sends nothing, as on a member without a leader.</summary>
    public bool IsSilent { get; set; }

    public void Poll()
    {
        if (closed || IsSilent) return;
        try
        {
            foreach (var answer in cursor.Take()) Later(() => Arrive(answer));
        }
        catch (EtcdException e)
        {
            closed = true;
            Later(() => Fail(e));
        }
    }

    public void Break(string why)
    {
        if (closed) return;
        closed = true;
        context.Deliver(() => Fail(new EtcdException(EtcdErrorKind.Unavailable, why, false)), this);
    }

    public void Close() => closed = true;

    public Task<WatchResponse> NextAsync(CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested) return Task.FromCanceled<WatchResponse>(cancellation);
        if (arrived.TryDequeue(out var answer)) return Task.FromResult(answer);
        if (broken is not null) return Task.FromException<WatchResponse>(broken);
        var mine = asked = new TaskCompletionSource<WatchResponse>();
        cancellation.UnsafeRegister(_ => mine.TrySetCanceled(cancellation), null);
        return mine.Task;
    }

    private void Later(Action act)
    {
        var delay = scheduler.Chance(conditions.Slow) ? scheduler.Between(0.01, 2) : scheduler.Between(0.0002, 0.01);
        last = scheduler.Now + delay > last ? scheduler.Now + delay : last;
        scheduler.After(last - scheduler.Now, () => context.Deliver(act, this));
    }

    private void Arrive(WatchResponse answer)
    {
        if (broken is not null) return;
        if (asked is { } waiting)
        {
            asked = null;
            if (waiting.TrySetResult(answer)) return;
        }

        arrived.Enqueue(answer);
    }

    private void Fail(EtcdException e)
    {
        broken ??= e;
        asked?.TrySetException(e);
        asked = null;
    }
}
