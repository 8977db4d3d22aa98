using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Abstractions;
using Microsoft.Extensions.Logging;

namespace Flanneld.Clients;

/// <summary>A term of the route controller that is held in etcd or in Kubernetes.</summary>
internal sealed class StoreRouteControllerTerm(IStoreTerm term, StoreRequestRetry retry, TimeProvider time, ILogger logger) : IElectedTerm
{
    /// <summary>An invalid cluster id remains until an operator corrects it.</summary>
    private static readonly TimeSpan InvalidIdPause = TimeSpan.FromSeconds(30);

    public CancellationToken Lost => term.Lost;

    public IRouteStatusSink Statuses { get; } = new StoreRouteStatusSink(term, retry);

    public async ValueTask<ClusterId> ReadClusterIdAsync(CancellationToken cancellation)
    {
        var isLogged = false;
        while (true)
        {
            var result = await retry.RunAsync<ClusterIdResult?>(
                async () => await term.Cluster.EnsureAsync(cancellation), null, cancellation);
            if (result is ClusterIdResult.Known { Id: var id }) return id;
            if (result is ClusterIdResult.Unreadable && !isLogged)
            {
                isLogged = true;
                StoreLog.ClusterIdUnreadable(logger, term.Cluster.Location);
            }

            await Task.Delay(result is null ? StoreRequestRetry.LongestPause : InvalidIdPause, time, cancellation);
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
