using Flannel.Core.Leases;
using Flannel.Kubernetes.Registry;
using Flannel.RouteController.Abstractions;

namespace Flanneld.Clients;

/// <summary>The leases of the Nodes in Kubernetes, for the route controller.</summary>
internal sealed class KubeLeaseSource(KubeLeaseWatcher watcher) : ILeaseSource
{
    public Task RunAsync(CancellationToken cancellation) => watcher.RunAsync(cancellation);

    public ValueTask<LeaseSnapshot> CurrentAsync(CancellationToken cancellation) => watcher.CurrentAsync(cancellation);

    public Task ChangedAfterAsync(long generation, CancellationToken cancellation) => watcher.ChangedAfterAsync(generation, cancellation);
}
