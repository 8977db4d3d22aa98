using Flannel.Core.Leases;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>One watch as the network sees it.</summary>
internal interface ISimulatedWatch
{
    /// <summary>Whether it receives nothing more, and no side knows it yet.</summary>
    bool IsSilent { get; set; }

    /// <summary>Takes the new events of the store.</summary>
    void Poll();

    /// <summary>The connection breaks.</summary>
    void Break(string reason);

    void Close();
}

/// <summary>One watch: events arrive delayed and in order until it breaks.</summary>
internal abstract class SimulatedWatch<T>(Scheduler scheduler, ProcessContext context, NetworkConditions conditions) : ISimulatedWatch
{
    private readonly Queue<T> arrived = new();
    private SubnetManagerException? broken;
    private TaskCompletionSource<T>? pendingRead;
    private TimeSpan lastArrival;

    public bool IsSilent { get; set; }

    protected bool IsClosed { get; private set; }

    protected Scheduler Scheduler => scheduler;

    protected NetworkConditions Conditions => conditions;

    public abstract void Poll();

    public void Break(string reason)
    {
        if (IsClosed) return;
        IsClosed = true;
        context.Deliver(() => Fail(Broken(reason)), this);
    }

    public void Close() => IsClosed = true;

    public Task<T> NextAsync(CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested) return Task.FromCanceled<T>(cancellation);
        if (arrived.TryDequeue(out var next)) return Task.FromResult(next);
        if (broken is not null) return Task.FromException<T>(broken);
        var read = pendingRead = new TaskCompletionSource<T>();
        cancellation.UnsafeRegister(_ => read.TrySetCanceled(cancellation), null);
        return read.Task;
    }

    /// <summary>What the client throws when the connection breaks.</summary>
    protected abstract SubnetManagerException Broken(string reason);

    protected void ArriveLater(T next) => DeliverLater(() => Arrive(next));

    /// <summary>The store ends the watch.</summary>
    protected void EndLater(SubnetManagerException failure)
    {
        IsClosed = true;
        DeliverLater(() => Fail(failure));
    }

    protected void Arrive(T next)
    {
        if (broken is not null) return;
        if (pendingRead is { } waiting)
        {
            pendingRead = null;
            if (waiting.TrySetResult(next)) return;
        }

        arrived.Enqueue(next);
    }

    private void DeliverLater(Action callback)
    {
        var delay = scheduler.Chance(conditions.Slow) ? scheduler.Between(0.01, 2) : scheduler.Between(0.0002, 0.01);
        lastArrival = scheduler.Now + delay > lastArrival ? scheduler.Now + delay : lastArrival;
        scheduler.After(lastArrival - scheduler.Now, () => context.Deliver(callback, this));
    }

    private void Fail(SubnetManagerException e)
    {
        broken ??= e;
        pendingRead?.TrySetException(e);
        pendingRead = null;
    }
}
