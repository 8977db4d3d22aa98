using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;

namespace Flannel.RouteController.Abstractions;

/// <summary>Where the route controller publishes what the nodes read: the status of each node's route, and the ranges of the vSwitches. It
/// belongs to one term (<see cref="IElectedTerm.Statuses"/>), and every write must fail once another node is elected.</summary>
/// <remarks>A transient error is retried inside the call until the call is cancelled. An error that an operator must correct (a
/// missing permission, a full database) is logged once. Each member says what it then returns, so that routes are still written.</remarks>
public interface IRouteStatusSink
{
    /// <summary>All published statuses by subnet key (<see cref="SubnetKey"/> as text). Null if the store rejects the read.</summary>
    ValueTask<IReadOnlyDictionary<string, RouteStatus>?> ReadStatusesAsync(CancellationToken cancellation);

    /// <summary>Publishes statuses. Each belongs to one holding of a subnet: it is written only if the lease is still the same holding, and
    /// it disappears with the lease. A status whose lease is gone is skipped.</summary>
    /// <returns>Which statuses the store rejected, and whether the term is still held.</returns>
    ValueTask<StatusPublishResult> PublishAsync(IReadOnlyList<RouteStatusUpdate> updates, CancellationToken cancellation);

    /// <summary>Deletes the statuses of subnets that have no lease any more, each under the condition that there is none. A reservation
    /// needs this: it has no etcd lease that its status could disappear with.</summary>
    /// <param name="subnetKeys">Keys of <see cref="ReadStatusesAsync"/>.</param>
    /// <returns>False if the term is over. True also if the store rejects the deletion.</returns>
    ValueTask<bool> DeleteAsync(IReadOnlyCollection<string> subnetKeys, CancellationToken cancellation);

    /// <summary>Publishes the ranges of a VPC's vSwitches. A node does not lease a subnet that overlaps one of them.</summary>
    /// <returns>False if the term is over. True also if the store rejects the write.</returns>
    ValueTask<bool> PublishVSwitchesAsync(string vpcId, IReadOnlyList<Ipv4Network> ranges, CancellationToken cancellation);
}
