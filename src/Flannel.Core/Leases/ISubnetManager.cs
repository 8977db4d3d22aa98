using Flannel.Core.Routes;

namespace Flannel.Core.Leases;

/// <summary>The store of a cluster's network configuration, leases and route status, as one node uses it. The name is flannel's
/// (upstream <c>pkg/subnet/subnet.go</c>, <c>Manager</c>). Thread-safe.</summary>
/// <remarks>Methods throw <see cref="SubnetManagerException"/> when the subnet manager is unavailable or rejects the request. The waiting
/// methods, <see cref="AcquireAsync"/> and <see cref="HoldAsync"/> retry what can recover.</remarks>
public interface ISubnetManager
{
    /// <summary>How long a lease lives without renewal.</summary>
    TimeSpan LeaseTime { get; }

    /// <summary>Its name in messages: <c>etcd</c>.</summary>
    string Name { get; }

    /// <summary>Where the network configuration is, for messages: <c>/coreos.com/network/config</c>.</summary>
    string ConfigLocation { get; }

    /// <summary>The command by which an operator writes a network configuration, with an example, for messages: <c>flanneld
    /// config set '{…}'</c>.</summary>
    string ConfigCommand { get; }

    /// <summary>The command by which an operator deletes a lease, for messages: <c>etcdctl del
    /// /coreos.com/network/subnets/10.24.5.0-24</c>.</summary>
    string DeletionCommand(SubnetKey key);

    /// <summary>Reads the configuration and all leases once.</summary>
    Task<SubnetState> ReadAsync(CancellationToken cancellation);

    /// <summary>Returns the first state with a configuration that can be read.</summary>
    /// <param name="known">A state that was just read, in place of the first read; null for none.</param>
    /// <exception cref="SubnetManagerException">The subnet manager rejects the request, and retrying does not help.</exception>
    Task<SubnetState> WaitForConfigAsync(ConfigRequest request, SubnetState? known, CancellationToken cancellation);

    /// <summary>Returns when the configuration was written or deleted after a revision, or after <paramref name="atMost"/>.</summary>
    Task WaitForConfigChangeAsync(long revision, TimeSpan atMost, CancellationToken cancellation);

    /// <summary>Returns when a subnet may have become free after a revision (a lease was deleted, or the configuration was written), or
    /// after <paramref name="atMost"/>.</summary>
    Task WaitForFreeSubnetAsync(long revision, TimeSpan atMost, CancellationToken cancellation);

    /// <summary>Returns when this node's assignment or the configuration has changed since a result, or after
    /// <paramref name="atMost"/>.</summary>
    Task WaitForAssignmentAsync(AcquireResult.Unassigned result, TimeSpan atMost, CancellationToken cancellation);

    /// <summary>Acquires the node's own subnet, or its previous one, or a free one.</summary>
    /// <param name="known">A state that was just read, in place of the first read; null for none. Its age does not affect
    /// correctness.</param>
    Task<AcquireResult> AcquireAsync(AcquireRequest request, SubnetState? known, CancellationToken cancellation);

    /// <summary>Holds a lease: renews it, and watches it, its route status, the configuration and the elected route controller. Runs as
    /// long as the events are read; ends after <see cref="LeaseEvent.Lost"/>. The lease stays when the reader stops. Once for each held
    /// lease.</summary>
    IAsyncEnumerable<LeaseEvent> HoldAsync(HeldLease held, CancellationToken cancellation);

    /// <summary>Publishes that this node is ready, where others read it from the subnet manager. Called each time that the node becomes
    /// ready. Can be repeated.</summary>
    Task ReportReadyAsync(CancellationToken cancellation);

    /// <summary>Watches all leases (upstream <c>WatchLeases</c>). The first snapshot is a full list, so that no lease is missed in whatever
    /// order nodes start; after each time that the watch was interrupted comes a full list again. Changes in quick succession give one
    /// snapshot. No failure of the subnet manager ends it.</summary>
    IAsyncEnumerable<LeaseSnapshot> WatchLeasesAsync(CancellationToken cancellation);

    /// <summary>Watches all route statuses. The first snapshot is a full list, and so is the first one after each interruption of the
    /// watch. Changes in quick succession give one snapshot. No failure of the subnet manager ends it.</summary>
    IAsyncEnumerable<RouteStatusSnapshot> WatchRouteStatusesAsync(CancellationToken cancellation);

    /// <summary>Replaces the attributes of a lease.</summary>
    /// <returns>The lease as it is now; null if it was changed since it was read.</returns>
    Task<Lease?> UpdateAsync(Lease lease, LeaseAttributes attributes, CancellationToken cancellation);

    /// <summary>Deletes a lease before it expires, and its route status with it. Not for reservations. Can be repeated.</summary>
    /// <returns>False if it was changed since it was read.</returns>
    Task<bool> ReleaseAsync(Lease lease, CancellationToken cancellation);

    /// <summary>The route status of a lease; null if there is none that can be read.</summary>
    Task<RouteStatus?> ReadRouteStatusAsync(SubnetKey key, CancellationToken cancellation);

    /// <summary>The elected route controller; null if none is elected.</summary>
    Task<ControllerHolder?> ReadControllerAsync(CancellationToken cancellation);

    /// <summary>The nodes that are not candidates for route controller, with the reason of each. Complete only while none is elected: the
    /// election deletes them.</summary>
    /// <param name="limit">The largest number of nodes that are read; the count is of all.</param>
    Task<NonCandidateList> ReadNonCandidatesAsync(int limit, CancellationToken cancellation);

    /// <summary>Deletes what an earlier run of this node published about itself. Can be repeated.</summary>
    Task DeleteNonCandidateAsync(string instanceId, CancellationToken cancellation);
}
