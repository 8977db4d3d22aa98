using System.Runtime.CompilerServices;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Model;
using Flannel.Simulation.Tests.Engine;

namespace Flannel.Simulation.Tests.Kubernetes;

/// <summary>The client of the Kubernetes API of one process: behaves like that over HTTP, over a faulty network.</summary>
internal sealed class SimulatedKube(SimulatedProcess process, KubeCluster cluster) : ModelKubeClient(cluster.Server)
{
    /// <summary>How many of the last changes the cache of an API server may lack that responds to a list.</summary>
    private const int MaxStale = 6;

    private readonly Scheduler scheduler = cluster.Scheduler;

    private ModelAccount account = new();

    /// <summary>With the time limits of the client over HTTP.</summary>
    public SimulatedConnection Connection { get; } = new(
        process, cluster.Scheduler, cluster.Conditions,
        new SimulatedStore(() => cluster.Server.Generation, () => cluster.Server.Revision),
        new ConnectionLimits(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(45), TimeSpan.FromSeconds(180)));

    /// <summary>Whether RBAC denies a request.</summary>
    public bool HasDeniedRequests { get; private set; }

    private NetworkConditions Conditions => cluster.Conditions;

    public override Task<KubeNodeList> ListNodesAsync(NodeListRequest request, CancellationToken cancellation) =>
        SendAsync(
            new ModelRequest(new AccessReview("list", "", "nodes"), request.Name ?? ""),
            () => Server.ListNodes(request, scheduler.Chance(Conditions.StaleCache) ? scheduler.Random.Next(MaxStale) : 0), cancellation);

    public override Task<bool> CanIAsync(AccessReview review, CancellationToken cancellation) =>
        SendAsync(
            new ModelRequest(new AccessReview("create", "authorization.k8s.io", "selfsubjectaccessreviews")),
            () => account.MaySend(review), cancellation);

    public override async IAsyncEnumerable<KubeNodeEvent> WatchNodesAsync(
        string? name, string resourceVersion, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var watch = await SendAsync(
            WatchRequest(name),
            () => Connection.Open(new KubeWatch(scheduler, process.Context, Server.WatchNodes(name, resourceVersion), Conditions)),
            cancellation);
        try
        {
            while (await watch.NextAsync(cancellation) is { } next) yield return next;
        }
        finally
        {
            Connection.Close(watch);
        }
    }

    public void Deny(AccessReview access)
    {
        HasDeniedRequests = true;
        account.Deny(access);
    }

    public void AllowAll() => (account, HasDeniedRequests) = (new ModelAccount(), false);

    protected override Task<T> SendAsync<T>(ModelRequest request, Func<T> execute, CancellationToken cancellation) =>
        Connection.SendAsync(
            new SimulatedRequest(request.ToString(), fault => FaultOf(fault).ToException(request)),
            () =>
            {
                Authorize(account, request);
                return execute();
            },
            () => Overload()?.ToException(request),
            cancellation);

    private static ModelFault FaultOf(RequestFault fault) => fault switch
    {
        RequestFault.Refused => ModelFault.Unavailable,
        RequestFault.Lost => ModelFault.RequestLost,
        _ => ModelFault.ResponseLost,
    };

    private ModelFault? Overload() => scheduler.Chance(Conditions.Overloaded)
        ? ModelFault.TooManyRequests(scheduler.Chance(0.5) ? TimeSpan.FromSeconds(1 + scheduler.Random.Next(5)) : null)
        : null;
}
