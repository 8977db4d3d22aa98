using Flannel.Core.Leases;

namespace Flannel.RouteController.Abstractions;

/// <summary>The leases of the cluster and its network configuration, kept up to date by a watch. An implementation watches etcd, the
/// Kubernetes API or a model. Its members may be called from several threads.</summary>
/// <remarks>What an implementation must guarantee, because routes are deleted on it:
/// <list type="bullet">
/// <item>Every snapshot is complete at one moment. <see cref="LeaseSnapshot.IsComplete"/> is false if a lease or the configuration could
/// not be read.</item>
/// <item><see cref="LeaseSnapshot.Generation"/> grows with every change.</item>
/// <item><see cref="LeaseSnapshot.Listing"/> changes with every new listing, and only then. Within one listing a lease that is missing in a
/// later snapshot was deleted or has expired: a watch event said so.</item>
/// </list></remarks>
public interface ILeaseSource
{
    /// <summary>Lists and watches the leases until it is cancelled. Called once, before or while the other members are called. Transient
    /// errors of the store are retried without end.</summary>
    Task RunAsync(CancellationToken cancellation);

    /// <summary>The newest snapshot. Waits until the first listing is complete.</summary>
    ValueTask<LeaseSnapshot> CurrentAsync(CancellationToken cancellation);

    /// <summary>Completes when the newest snapshot has a <see cref="LeaseSnapshot.Generation"/> after
    /// <paramref name="generation"/>.</summary>
    Task ChangedAfterAsync(long generation, CancellationToken cancellation);
}
