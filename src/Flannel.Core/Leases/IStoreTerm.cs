using Flannel.Core.Addresses;
using Flannel.Core.Routes;

namespace Flannel.Core.Leases;

/// <summary>One term of the elected route controller as etcd or Kubernetes stores it. It is renewed until it is lost.
/// Thread-safe.</summary>
/// <remarks>A method that writes or reads throws <see cref="SubnetManagerException"/> if the store is unavailable or rejects the request.
/// Each can be repeated.</remarks>
public interface IStoreTerm : IAsyncDisposable
{
    /// <summary>Cancelled as soon as the election is lost, or may be.</summary>
    CancellationToken Lost { get; }

    /// <summary>Written while this term is held.</summary>
    IRouteStatusStore Statuses { get; }

    /// <summary>Written while this term is held.</summary>
    IClusterIdStore Cluster { get; }

    /// <summary>Writes the ranges of a VPC's vSwitches, if nodes of this store need them.</summary>
    /// <returns>False if the term is over.</returns>
    Task<bool> PublishVSwitchesAsync(string vpcId, IReadOnlyList<Ipv4Network> ranges, CancellationToken cancellation);

    /// <summary>Confirms that the term is held, and that the leases are as the caller assumes. Never throws: it returns
    /// <see cref="TermProof.Unproven"/> also if the store is unavailable.</summary>
    /// <param name="absent">Subnets that must have no lease.</param>
    /// <param name="unchanged">Leases that must be as they were read.</param>
    ValueTask<TermProof> ProveAsync(
        IReadOnlyCollection<IpNetwork> absent, IReadOnlyCollection<Lease> unchanged, CancellationToken cancellation);
}

/// <summary>The route status of each node.</summary>
public interface IRouteStatusStore
{
    /// <summary>All statuses, by the text of their subnet's key.</summary>
    Task<IReadOnlyDictionary<string, RouteStatus>> ReadAllAsync(CancellationToken cancellation);

    /// <summary>Writes statuses. One whose lease is gone is skipped.</summary>
    Task<StatusPublishResult> PublishAsync(IReadOnlyList<RouteStatusUpdate> statuses, CancellationToken cancellation);

    /// <summary>Deletes the statuses of subnets that are not leased any more.</summary>
    /// <param name="subnetKeys">As text, from <see cref="ReadAllAsync"/>.</param>
    /// <returns>False if the term is over.</returns>
    Task<bool> DeleteAsync(IReadOnlyCollection<string> subnetKeys, CancellationToken cancellation);
}

/// <summary>The cluster's id, and the routes whose lease is missing.</summary>
public interface IClusterIdStore
{
    /// <summary>Where an operator finds the id.</summary>
    string Location { get; }

    /// <summary>Reads the id, and creates it if there is none.</summary>
    Task<ClusterIdResult> EnsureAsync(CancellationToken cancellation);

    /// <summary>Null if nothing was written yet.</summary>
    Task<byte[]?> ReadAbsentLeasesAsync(CancellationToken cancellation);

    /// <returns>False if the term is over.</returns>
    Task<bool> WriteAbsentLeasesAsync(ReadOnlyMemory<byte> document, CancellationToken cancellation);
}
