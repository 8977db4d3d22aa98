using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;

namespace Flannel.AliVpc.Control;

/// <summary>The leases as the route controller follows them; the composition root joins it to etcd.</summary>
public interface ILeaseView
{
    /// <summary>The newest view; completes once a first whole view exists.</summary>
    ValueTask<LeaseSnapshot> CurrentAsync(CancellationToken cancellation);

    /// <summary>Completes when the view is a later one than that of this <see cref="LeaseSnapshot.Generation"/>.</summary>
    Task ChangedAfterAsync(long generation, CancellationToken cancellation);
}

/// <summary>One held election. Whoever has it is the only writer of routes and statuses.</summary>
public interface IControllerTerm
{
    /// <summary>Cancelled as soon as the election is lost, or may be (the etcd lease could not be renewed in time).</summary>
    CancellationToken Lost { get; }

    /// <summary>Asks etcd, by a linearisable read, whether the election's key is still ours. False also when etcd does not answer in time.</summary>
    ValueTask<bool> StillHeldAsync(CancellationToken cancellation);

    /// <summary>The statuses that stand in etcd, by subnet key text; null when etcd refuses to say.</summary>
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
