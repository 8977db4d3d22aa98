using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;

namespace Flannel.RouteController.Abstractions;

/// <summary>One term as the elected route controller. It renews itself until it is lost. Disposing of it resigns, so that another node can
/// be elected at once.</summary>
/// <remarks>Members may be called from several threads. A store that is unavailable is no reason to end a term: a call is retried until it
/// is cancelled, and <see cref="Lost"/> ends the term in time if it cannot be renewed.</remarks>
public interface IElectedTerm : IAsyncDisposable
{
    /// <summary>Cancelled as soon as another node could be elected: the election is lost, or the term could not be renewed in time. No
    /// write may be sent after this.</summary>
    CancellationToken Lost { get; }

    /// <summary>Publishes route statuses under the condition that this term is held.</summary>
    IRouteStatusSink Statuses { get; }

    /// <summary>The id of the cluster, which marks the routes. Creates one if there is none. Waits while the store rejects that or the
    /// stored id is invalid.</summary>
    ValueTask<ClusterId> ReadClusterIdAsync(CancellationToken cancellation);

    /// <summary>Confirms by one linearizable read that this term is held, that the cluster's id is the one that
    /// <see cref="ReadClusterIdAsync"/> returned, and that the leases are as the caller believes. Called before routes are deleted, because
    /// a watch can lag behind the store, and before the first route of a node is written.</summary>
    /// <param name="absent">Subnets that must have no lease.</param>
    /// <param name="unchanged">Leases that must have the version with which they were read.</param>
    /// <returns><see cref="TermProof.Unproven"/> also if the store is unavailable.</returns>
    ValueTask<TermProof> ProveAsync(
        IReadOnlyCollection<IpNetwork> absent, IReadOnlyCollection<Lease> unchanged, CancellationToken cancellation);

    /// <summary>The document that this or an earlier term wrote by <see cref="WriteAbsentLeasesAsync"/>. Null if there is none or the store
    /// rejects the read.</summary>
    ValueTask<byte[]?> ReadAbsentLeasesAsync(CancellationToken cancellation);

    /// <summary>Stores a document for this term and later ones, at most a few hundred kilobytes, under the condition that this term is held
    /// and the cluster's id is the same.</summary>
    /// <returns>False if the term is over. True also if the store rejects the write.</returns>
    ValueTask<bool> WriteAbsentLeasesAsync(ReadOnlyMemory<byte> document, CancellationToken cancellation);
}
