using Flannel.Core.Leases;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>How a request to a store fails.</summary>
internal enum RequestFault
{
    /// <summary>The connection was refused.</summary>
    Refused,

    /// <summary>No response in time: the request did not arrive.</summary>
    Lost,

    /// <summary>No response in time: the request may have been executed.</summary>
    NoResponse,
}

/// <summary>One request of a process to a store.</summary>
/// <param name="Fail">The exception that the client throws after a fault.</param>
internal sealed record SimulatedRequest(string Name, Func<RequestFault, SubnetManagerException> Fail)
{
    /// <summary>The request may reach two members, as the client of etcd does with repeatable requests.</summary>
    public bool IsDuplicated { get; init; }
}

/// <summary>The store that a process sends requests to.</summary>
/// <param name="Generation">Changes when requests in flight are lost.</param>
/// <param name="Revision">Of the last write.</param>
internal sealed record SimulatedStore(Func<int> Generation, Func<long> Revision);

/// <summary>The time limits of a client.</summary>
/// <param name="Request">For one request.</param>
/// <param name="Ping">The time without a response to a ping after which a watch breaks.</param>
/// <param name="WatchSilence">The time without an event after which a watch breaks.</param>
internal sealed record ConnectionLimits(TimeSpan Request, TimeSpan Ping, TimeSpan WatchSilence);

/// <summary>The connections of one process to the store of the leases, over a faulty network.</summary>
internal sealed class SimulatedConnection(
    SimulatedProcess process, Scheduler scheduler, NetworkConditions conditions, SimulatedStore store, ConnectionLimits limits)
{
    private readonly List<ISimulatedWatch> watches = [];

    public bool IsIsolated { get; private set; }

    public long Requests { get; private set; }

    /// <summary>When the process last received a response; null before the first.</summary>
    public TimeSpan? LastResponse { get; private set; }

    private ProcessContext Context => process.Context;

    private string Name => process.Machine.Name;

    private bool IsReachable => !IsIsolated && !conditions.ClusterDown;

    /// <summary>Isolates the process. Its watches break after some time, or continue after <see cref="Reconnect"/>.</summary>
    public void Isolate()
    {
        IsIsolated = true;
        foreach (var watch in watches.ToList())
        {
            if (scheduler.Chance(0.7))
                scheduler.After(scheduler.Between(0, limits.Ping.TotalSeconds), () => watch.Break("connection lost"));
        }

        scheduler.After(limits.Ping, () =>
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
    public void Close()
    {
        foreach (var watch in watches.ToList()) Close(watch);
    }

    public void StoreChanged()
    {
        if (IsIsolated) return;
        foreach (var watch in watches.ToList()) watch.Poll();
    }

    public TWatch Open<TWatch>(TWatch watch)
        where TWatch : ISimulatedWatch
    {
        watches.Add(watch);
        if (scheduler.Chance(conditions.WatchSilent))
        {
            scheduler.After(scheduler.Between(0, 60), () =>
            {
                watch.IsSilent = true;
                scheduler.After(limits.WatchSilence, () => watch.Break("the watch is silent"));
            });
        }

        watch.Poll();
        return watch;
    }

    public void Close(ISimulatedWatch watch)
    {
        watch.Close();
        watches.Remove(watch);
    }

    /// <param name="execute">The execution of the request on the store.</param>
    /// <param name="rejection">Of a server that does not execute the request; null if it executes it.</param>
    public Task<T> SendAsync<T>(
        SimulatedRequest request, Func<T> execute, Func<SubnetManagerException?>? rejection, CancellationToken cancellation)
    {
        scheduler.CheckThread("a request");
        if (cancellation.IsCancellationRequested) return Task.FromCanceled<T>(cancellation);
        Requests++;
        scheduler.Trace(Name, request.Name);
        var call = new Call<T>(request, new TaskCompletionSource<T>());
        call.Registration = cancellation.UnsafeRegister(_ => call.Response.TrySetCanceled(cancellation), null);
        if (!IsReachable)
        {
            if (scheduler.Chance(0.5)) FailLater(call, scheduler.Between(0, 0.05), request.Fail(RequestFault.Refused));
            else FailLater(call, limits.Request, request.Fail(RequestFault.Lost));
            return call.Response.Task;
        }

        if (rejection?.Invoke() is { } rejected)
        {
            FailLater(call, Delay(), rejected);
            return call.Response.Task;
        }

        var chance = scheduler.Random.NextDouble();
        var isDelayed = chance < conditions.Delayed;
        var isLost = !isDelayed && chance < conditions.Delayed + conditions.RequestLost;
        call.Limit = FailLater(call, limits.Request, request.Fail(RequestFault.NoResponse));
        if (isLost) return call.Response.Task;
        Send(call, execute, isDelayed ? scheduler.Between(5, 25) : Delay());
        if (request.IsDuplicated && scheduler.Chance(conditions.Duplicated)) Send(call, execute, scheduler.Between(0, 9));
        return call.Response.Task;
    }

    private void Send<T>(Call<T> call, Func<T> execute, TimeSpan delay)
    {
        var generation = store.Generation();
        scheduler.After(delay, () =>
        {
            // A request in flight is lost when the store stops, and a late request of an ended process is lost too.
            if (!IsReachable || generation != store.Generation() || (Context.IsDead && delay > limits.Request)) return;
            Action respond;
            try
            {
                var result = execute();
                scheduler.Trace(Name, call.Request.Name + " done", store.Revision());
                respond = () => call.Response.TrySetResult(result);
            }
            catch (SubnetManagerException e)
            {
                scheduler.Trace(Name, $"{call.Request.Name} failed: {e.Message}");
                respond = () => call.Response.TrySetException(e);
            }

            if (scheduler.Chance(conditions.ResponseLost)) return;
            scheduler.After(Delay(), () =>
            {
                if (!IsReachable || generation != store.Generation()) return;
                Context.Deliver(() =>
                {
                    LastResponse = scheduler.Now;
                    respond();
                    call.Limit!.Cancelled = true;
                    call.Registration.Dispose();
                });
            });
        });
    }

    private ScheduledAction FailLater<T>(Call<T> call, TimeSpan after, SubnetManagerException failure) =>
        scheduler.After(after, () =>
        {
            if (call.Response.Task.IsCompleted) return;
            Context.Deliver(() =>
            {
                if (call.Response.TrySetException(failure)) scheduler.Trace(Name, $"{call.Request.Name} failed: {failure.Message}");
                call.Registration.Dispose();
            });
        });

    private TimeSpan Delay() => scheduler.Chance(conditions.Slow) ? scheduler.Between(0.01, 3) : scheduler.Between(0.0002, 0.005);

    private sealed record Call<T>(SimulatedRequest Request, TaskCompletionSource<T> Response)
    {
        public CancellationTokenRegistration Registration { get; set; }

        /// <summary>The end of the time for the response.</summary>
        public ScheduledAction? Limit { get; set; }
    }
}
