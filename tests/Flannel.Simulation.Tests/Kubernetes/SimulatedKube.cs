using System.Runtime.CompilerServices;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Model;
using Flannel.Simulation.Tests.Engine;

namespace Flannel.Simulation.Tests.Kubernetes;

/// <summary>The client of the Kubernetes API of one process: behaves like that over HTTP, over a faulty network.</summary>
internal sealed class SimulatedKube(
    string name, Scheduler scheduler, ProcessContext context, KubeServerModel server, NetworkConditions conditions)
    : ModelKubeClient(server)
{
    /// <summary>The time limits of the client over HTTP.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan WatchStall = TimeSpan.FromSeconds(180);

    /// <summary>How many of the last changes the cache of an API server may lack that responds to a list.</summary>
    private const int MaxStale = 6;

    private readonly List<SimulatedKubeWatch> watches = [];

    private ModelAccount account = new();

    /// <summary>Whether RBAC denies a request.</summary>
    public bool HasDeniedRequests { get; private set; }

    public bool IsIsolated { get; private set; }

    public long Requests { get; private set; }

    private bool IsReachable => !IsIsolated && !conditions.ClusterDown;

    public override Task<KubeNodeList> ListNodesAsync(NodeListRequest request, CancellationToken cancellation) =>
        SendAsync(
            new ModelRequest(new AccessReview("list", "", "nodes"), request.Name ?? ""),
            () => Server.ListNodes(request, scheduler.Chance(conditions.StaleCache) ? scheduler.Random.Next(MaxStale) : 0), cancellation);

    public override Task<bool> CanIAsync(AccessReview review, CancellationToken cancellation) =>
        SendAsync(
            new ModelRequest(new AccessReview("create", "authorization.k8s.io", "selfsubjectaccessreviews")),
            () => account.MaySend(review), cancellation);

    public override async IAsyncEnumerable<KubeNodeEvent> WatchNodesAsync(
        string? name, string resourceVersion, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var watch = await SendAsync(WatchRequest(name), () => Open(name, resourceVersion), cancellation);
        try
        {
            while (await watch.NextAsync(cancellation) is { } next) yield return next;
        }
        finally
        {
            Close(watch);
        }
    }

    public void Deny(AccessReview access)
    {
        HasDeniedRequests = true;
        account.Deny(access);
    }

    public void AllowAll() => (account, HasDeniedRequests) = (new ModelAccount(), false);

    /// <summary>Isolates the process. Its watches break after some time, or continue after <see cref="Reconnect"/>.</summary>
    public void Isolate()
    {
        IsIsolated = true;
        foreach (var watch in watches.ToList())
        {
            if (scheduler.Chance(0.7)) scheduler.After(scheduler.Between(0, 45), () => watch.Break("no response to a ping"));
        }

        scheduler.After(TimeSpan.FromSeconds(45), () =>
        {
            if (!IsIsolated) return;
            foreach (var watch in watches.ToList()) watch.Break("no response to a ping");
        });
    }

    public void Reconnect()
    {
        IsIsolated = false;
        ServerChanged();
    }

    /// <summary>Closes the connections of an ended process.</summary>
    public void CloseConnections()
    {
        foreach (var watch in watches.ToList()) Close(watch);
    }

    public void ServerChanged()
    {
        if (IsIsolated) return;
        foreach (var watch in watches.ToList()) watch.Poll();
    }

    protected override Task<T> SendAsync<T>(ModelRequest request, Func<T> execute, CancellationToken cancellation)
    {
        scheduler.CheckThread("a request");
        if (cancellation.IsCancellationRequested) return Task.FromCanceled<T>(cancellation);
        Requests++;
        scheduler.Trace(name, request.ToString());
        var call = new TaskCompletionSource<T>();
        var registration = cancellation.UnsafeRegister(_ => call.TrySetCanceled(cancellation), null);
        if (!IsReachable)
        {
            var isRefused = scheduler.Chance(0.5);
            var fault = isRefused ? ModelFault.Unavailable : ModelFault.RequestLost;
            Fail(call, request, isRefused ? scheduler.Between(0, 0.05) : Limit, fault, registration);
            return call.Task;
        }

        if (scheduler.Chance(conditions.Overloaded))
        {
            TimeSpan? retryAfter = scheduler.Chance(0.5) ? TimeSpan.FromSeconds(1 + scheduler.Random.Next(5)) : null;
            Fail(call, request, Delay(), ModelFault.TooManyRequests(retryAfter), registration);
            return call.Task;
        }

        var chance = scheduler.Random.NextDouble();
        var isDelayed = chance < conditions.Delayed;
        var isLost = !isDelayed && chance < conditions.Delayed + conditions.RequestLost;
        var limit = Fail(call, request, Limit, ModelFault.ResponseLost, registration);
        if (!isLost) Send(isDelayed ? scheduler.Between(5, 25) : Delay(), request, execute, call, limit, registration);
        return call.Task;
    }

    private SimulatedKubeWatch Open(string? name, string resourceVersion)
    {
        var watch = new SimulatedKubeWatch(scheduler, context, Server.WatchNodes(name, resourceVersion), conditions);
        watches.Add(watch);
        if (scheduler.Chance(conditions.WatchSilent))
        {
            scheduler.After(scheduler.Between(0, 60), () =>
            {
                watch.IsSilent = true;
                scheduler.After(WatchStall, () => watch.Break("the watch is silent"));
            });
        }

        watch.Poll();
        return watch;
    }

    private void Close(SimulatedKubeWatch watch)
    {
        watch.Close();
        watches.Remove(watch);
    }

    private void Send<T>(
        TimeSpan delay, ModelRequest request, Func<T> execute, TaskCompletionSource<T> call, ScheduledAction limit,
        CancellationTokenRegistration registration)
    {
        var generation = Server.Generation;
        scheduler.After(delay, () =>
        {
            // A request in flight is lost when the server stops, and a late request of an ended process is lost too.
            if (!IsReachable || generation != Server.Generation || (context.IsDead && delay > Limit)) return;
            Action respond;
            try
            {
                Authorize(account, request);
                var result = execute();
                scheduler.Trace(name, $"{request} done", Server.Revision);
                respond = () => call.TrySetResult(result);
            }
            catch (KubeException e)
            {
                scheduler.Trace(name, $"{request} {e.Kind}");
                respond = () => call.TrySetException(e);
            }

            if (scheduler.Chance(conditions.ResponseLost)) return;
            scheduler.After(Delay(), () =>
            {
                if (!IsReachable || generation != Server.Generation) return;
                context.Deliver(() =>
                {
                    respond();
                    limit.Cancelled = true;
                    registration.Dispose();
                });
            });
        });
    }

    private ScheduledAction Fail<T>(
        TaskCompletionSource<T> call, ModelRequest request, TimeSpan after, ModelFault fault, CancellationTokenRegistration registration) =>
        scheduler.After(after, () =>
        {
            if (call.Task.IsCompleted) return;
            context.Deliver(() =>
            {
                if (call.TrySetException(fault.ToException(request))) scheduler.Trace(name, $"{request} {fault.Kind}");
                registration.Dispose();
            });
        });

    private TimeSpan Delay() => scheduler.Chance(conditions.Slow) ? scheduler.Between(0.01, 3) : scheduler.Between(0.0002, 0.005);
}
