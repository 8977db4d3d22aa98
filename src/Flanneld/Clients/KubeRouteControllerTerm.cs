using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Controller;
using Flannel.Kubernetes.Election;
using Flannel.RouteController.Abstractions;
using Microsoft.Extensions.Logging;

namespace Flanneld.Clients;

/// <summary>A term of the route controller that is held by a Lease in Kubernetes.</summary>
internal sealed class KubeRouteControllerTerm : IElectedTerm
{
    /// <summary>An invalid cluster id remains until an operator corrects it.</summary>
    private static readonly TimeSpan InvalidIdPause = TimeSpan.FromSeconds(30);

    private readonly KubeTerm term;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly KubeRequestRetry retry;

    public KubeRouteControllerTerm(KubeTerm term, TimeProvider time, Random random, ILogger logger)
    {
        (this.term, this.time, this.logger) = (term, time, logger);
        retry = new KubeRequestRetry(time, random);
        Statuses = new KubeRouteStatusSink(term.Statuses, retry);
    }

    public CancellationToken Lost => term.Lost;

    public IRouteStatusSink Statuses { get; }

    public async ValueTask<ClusterId> ReadClusterIdAsync(CancellationToken cancellation)
    {
        var isLogged = false;
        while (true)
        {
            var result = await retry.RunAsync<KubeClusterIdResult?>(
                async () => await term.Cluster.EnsureAsync(cancellation), null, cancellation);
            if (result is KubeClusterIdResult.Known { Id: var id }) return id;
            if (result is KubeClusterIdResult.Unreadable && !isLogged)
            {
                isLogged = true;
                StoreLog.ClusterIdUnreadable(logger, term.Cluster.Location);
            }

            await Task.Delay(result is null ? KubeRequestRetry.LongestPause : InvalidIdPause, time, cancellation);
        }
    }

    public ValueTask<TermProof> ProveAsync(
        IReadOnlyCollection<IpNetwork> absent, IReadOnlyCollection<Lease> unchanged, CancellationToken cancellation) =>
        term.ProveAsync(absent, unchanged, cancellation);

    public async ValueTask<byte[]?> ReadAbsentLeasesAsync(CancellationToken cancellation) =>
        await retry.RunAsync(() => term.Cluster.ReadAbsentLeasesAsync(cancellation), null, cancellation);

    public async ValueTask<bool> WriteAbsentLeasesAsync(ReadOnlyMemory<byte> document, CancellationToken cancellation) =>
        await retry.RunAsync(() => term.Cluster.WriteAbsentLeasesAsync(document, cancellation), true, cancellation);

    public ValueTask DisposeAsync() => term.DisposeAsync();
}
