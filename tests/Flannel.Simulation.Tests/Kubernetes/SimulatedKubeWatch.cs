using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Model;
using Flannel.Simulation.Tests.Engine;

namespace Flannel.Simulation.Tests.Kubernetes;

/// <summary>One watch: events arrive delayed and in order until the server ends it or the connection breaks.</summary>
internal sealed class SimulatedKubeWatch(
    Scheduler scheduler, ProcessContext context, NodeWatchCursor cursor, NetworkConditions conditions)
{
    /// <summary>Null for the end of the watch.</summary>
    private readonly Queue<KubeNodeEvent?> arrived = new();
    private KubeException? broken;
    private TaskCompletionSource<KubeNodeEvent?>? pendingRead;
    private ScheduledAction? due;
    private TimeSpan lastArrival;
    private bool closed;

    /// <summary>Whether the connection is lost, and no side knows it yet.</summary>
    public bool IsSilent { get; set; }

    public void Poll()
    {
        if (closed || IsSilent || conditions.ClusterDown) return;
        try
        {
            foreach (var next in cursor.Take()) DeliverLater(() => Arrive(next));
            if (cursor.IsEnded)
            {
                closed = true;
                DeliverLater(() => Arrive(null));
            }
        }
        catch (KubeException e)
        {
            closed = true;
            DeliverLater(() => Fail(e));
        }

        if (due is not null) due.Cancelled = true;
        if (!closed) due = scheduler.After(cursor.NextDue + TimeSpan.FromMilliseconds(1), Poll);
    }

    public void Break(string reason)
    {
        if (closed) return;
        closed = true;
        context.Deliver(() => Fail(new KubeException(KubeErrorKind.Unavailable, $"watch nodes: {reason}")), this);
    }

    public void Close() => closed = true;

    public Task<KubeNodeEvent?> NextAsync(CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested) return Task.FromCanceled<KubeNodeEvent?>(cancellation);
        if (arrived.TryDequeue(out var next)) return Task.FromResult(next);
        if (broken is not null) return Task.FromException<KubeNodeEvent?>(broken);
        var read = pendingRead = new TaskCompletionSource<KubeNodeEvent?>();
        cancellation.UnsafeRegister(_ => read.TrySetCanceled(cancellation), null);
        return read.Task;
    }

    private void DeliverLater(Action callback)
    {
        var delay = scheduler.Chance(conditions.Slow) ? scheduler.Between(0.01, 2) : scheduler.Between(0.0002, 0.01);
        lastArrival = scheduler.Now + delay > lastArrival ? scheduler.Now + delay : lastArrival;
        scheduler.After(lastArrival - scheduler.Now, () => context.Deliver(callback, this));
    }

    private void Arrive(KubeNodeEvent? next)
    {
        if (broken is not null) return;
        if (pendingRead is { } waiting)
        {
            pendingRead = null;
            if (waiting.TrySetResult(next)) return;
        }

        arrived.Enqueue(next);
    }

    private void Fail(KubeException e)
    {
        broken ??= e;
        pendingRead?.TrySetException(e);
        pendingRead = null;
    }
}
