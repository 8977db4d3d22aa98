using System.Runtime.CompilerServices;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Model;

/// <summary>The client of one node over the model, for tests that run on real threads. It responds to every request at once, in the time
/// of the model, unless the test injects a fault. Thread-safe.</summary>
public sealed class ModelKubeApi(KubeServerModel server, ModelAccount? account = null) : ModelKubeClient(server)
{
    private readonly Lock gate = new();
    private readonly List<ModelRequest> requests = [];
    private readonly List<(Func<ModelRequest, bool> Where, ModelFault Fault)> planned = [];
    private readonly List<OpenWatch> watches = [];

    public ModelAccount Account { get; } = account ?? new ModelAccount();

    /// <summary>The fault of each request; null for none. Asked before the faults of <see cref="FailNext"/>.</summary>
    public Func<ModelRequest, ModelFault?>? Fault { get; set; }

    /// <summary>Every request so far, also those that failed.</summary>
    public IReadOnlyList<ModelRequest> Requests
    {
        get
        {
            lock (gate) return [.. requests];
        }
    }

    public int OpenWatches
    {
        get
        {
            lock (gate) return watches.Count;
        }
    }

    /// <summary>The next matching request has a fault; several calls count in their order.</summary>
    /// <param name="where">Null for any request.</param>
    public void FailNext(ModelFault fault, Func<ModelRequest, bool>? where = null)
    {
        lock (gate) planned.Add((where ?? (_ => true), fault));
    }

    /// <summary>Breaks the connections of the open watches.</summary>
    public void BreakWatches() => ChangeWatches(watch => watch.IsBroken = true);

    /// <summary>The open watches receive nothing more and do not end, as after a silent loss of the connection.</summary>
    public void SilenceWatches() => ChangeWatches(watch => watch.IsSilent = true);

    public override Task<bool> CanIAsync(AccessReview review, CancellationToken cancellation) => SendAsync(
        new ModelRequest(new AccessReview("create", "authorization.k8s.io", "selfsubjectaccessreviews")), () => Account.MaySend(review),
        cancellation);

    public override async IAsyncEnumerable<KubeNodeEvent> WatchNodesAsync(
        string? name, string resourceVersion, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var cursor = await SendAsync(WatchRequest(name), () => Server.WatchNodes(name, resourceVersion), cancellation);
        var watch = new OpenWatch();
        lock (gate) watches.Add(watch);
        try
        {
            while (!cursor.IsEnded)
            {
                cancellation.ThrowIfCancellationRequested();
                // Taken before the state is read, so that no change is missed.
                var (serverChange, ownChange) = (Server.NextChangeAsync(), watch.Change);
                if (watch.IsBroken) throw new KubeException(KubeErrorKind.Unavailable, "watch nodes: the connection broke");
                var events = watch.IsSilent ? [] : cursor.Take();
                foreach (var received in events) yield return received;
                if (events.Count > 0 || cursor.IsEnded) continue;
                using var due = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                var timer = Task.Delay(watch.IsSilent ? Timeout.InfiniteTimeSpan : cursor.NextDue, Server.Time, due.Token);
                await Task.WhenAny(serverChange, ownChange, timer);
                await due.CancelAsync();
            }
        }
        finally
        {
            lock (gate) watches.Remove(watch);
        }
    }

    protected override async Task<T> SendAsync<T>(ModelRequest request, Func<T> execute, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var fault = Begin(request);
        if (fault is { IsExecuted: false })
        {
            if (fault.After > TimeSpan.Zero) await Task.Delay(fault.After, Server.Time, cancellation);
            throw fault.ToException(request);
        }

        if (!Server.IsAvailable) throw ModelFault.Unavailable.ToException(request);
        Authorize(Account, request);
        var response = execute();
        if (fault is { After: var after } && after > TimeSpan.Zero) await Task.Delay(after, Server.Time, cancellation);
        if (fault is { Kind: not null }) throw fault.ToException(request);
        return response;
    }

    private ModelFault? Begin(ModelRequest request)
    {
        lock (gate)
        {
            requests.Add(request);
            if (Fault?.Invoke(request) is { } fault) return fault;
            var index = planned.FindIndex(plan => plan.Where(request));
            if (index < 0) return null;
            var next = planned[index].Fault;
            planned.RemoveAt(index);
            return next;
        }
    }

    private void ChangeWatches(Action<OpenWatch> change)
    {
        List<OpenWatch> open;
        lock (gate) open = [.. watches];
        foreach (var watch in open)
        {
            change(watch);
            watch.Notify();
        }
    }

    private sealed class OpenWatch
    {
        private volatile TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool IsBroken { get; set; }

        public bool IsSilent { get; set; }

        public Task Change => changed.Task;

        public void Notify()
        {
            var waiting = changed;
            changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting.SetResult();
        }
    }
}
