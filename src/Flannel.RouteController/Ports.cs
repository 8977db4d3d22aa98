using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;

namespace Flannel.RouteController;

/// <summary>The leases as the route controller follows them; the composition root joins it to etcd.</summary>
public interface ILeaseSource
{
    /// <summary>The newest view; completes once a first whole view exists.</summary>
    ValueTask<LeaseSnapshot> CurrentAsync(CancellationToken cancellation);

    /// <summary>Completes when the view is a later one than that of this <see cref="LeaseSnapshot.Generation"/>.</summary>
    Task ChangedAfterAsync(long generation, CancellationToken cancellation);
}

/// <summary>One held election. Whoever has it is the only writer of routes and statuses.</summary>
public interface IRouteControllerTerm
{
    /// <summary>Cancelled as soon as the election is lost, or may be (the etcd lease could not be renewed in time).</summary>
    CancellationToken Lost { get; }

    /// <summary>Reads the cluster's id, which routes are marked with; creates it where there is none. Waits while that is
    /// impossible.</summary>
    ValueTask<ClusterId> ReadClusterIdAsync(CancellationToken cancellation);

    /// <summary>Asks etcd, by one linearizable read, whether the election's key and the cluster's id are still this term's, and whether the
    /// leases are as the caller believes. <see cref="TermProof.Unproven"/> also when etcd does not answer in time.</summary>
    /// <param name="absent">Subnets that must have no lease.</param>
    /// <param name="unchanged">Leases that must be as they were read.</param>
    ValueTask<TermProof> ProveAsync(
        IReadOnlyCollection<Ipv4Network> absent, IReadOnlyCollection<Lease> unchanged, CancellationToken cancellation);

    /// <summary>The document that an earlier term wrote by <see cref="WriteAbsentLeasesAsync"/>; null when there is none or etcd refuses
    /// the read.</summary>
    ValueTask<byte[]?> ReadAbsentLeasesAsync(CancellationToken cancellation);

    /// <summary>Writes a document for this term and later ones, under a compare of the election's key and the cluster's id. False when the
    /// term is over.</summary>
    ValueTask<bool> WriteAbsentLeasesAsync(ReadOnlyMemory<byte> document, CancellationToken cancellation);

    /// <summary>The statuses that stand in etcd, by subnet key text; null when etcd refuses the read.</summary>
    ValueTask<IReadOnlyDictionary<string, RouteStatus>?> ReadStatusesAsync(CancellationToken cancellation);

    /// <summary>Writes statuses, each attached to the etcd lease of its subnet, under a compare of the election's key and of the lease's
    /// create revision. A status whose lease is gone is skipped.</summary>
    ValueTask<StatusPublication> PublishAsync(IReadOnlyList<(Lease Lease, RouteStatus Status)> statuses, CancellationToken cancellation);

    /// <summary>Deletes the statuses of subnets that have no lease any more: a reservation's status goes with no etcd lease. Under a compare of the
    /// election's key and of the lease's absence. False when the term is over.</summary>
    /// <param name="subnetKeys">As text, from <see cref="ReadStatusesAsync"/>.</param>
    ValueTask<bool> DeleteAsync(IReadOnlyCollection<string> subnetKeys, CancellationToken cancellation);

    /// <summary>Publishes the ranges of a VPC's vSwitches for the nodes that choose a subnet. False when the term is over.</summary>
    ValueTask<bool> PublishVSwitchesAsync(string vpcId, IReadOnlyList<Ipv4Network> ranges, CancellationToken cancellation);
}
