using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;

namespace Flanneld.Clients;

/// <summary>Where the data of a cluster is: the network configuration, the leases, the route statuses, and the election of the route
/// controller. Thread-safe.</summary>
/// <remarks>Methods throw <see cref="SubnetManagerException"/> when the store is unavailable or rejects the request.</remarks>
internal interface IClusterStore : IDisposable
{
    /// <summary>The servers, for messages such as <c>waiting for etcd at http://127.0.0.1:2379</c>.</summary>
    string Description { get; }

    /// <summary>Where the leases are, for messages: <c>/coreos.com/network</c>.</summary>
    string Location { get; }

    /// <summary>Where the id of the cluster is, for messages: <c>/coreos.com/network/ali-vpc/cluster</c>.</summary>
    string ClusterIdLocation { get; }

    /// <summary>The TCP ports of the servers that this host must reach.</summary>
    IReadOnlyList<int> Ports { get; }

    /// <summary>For the commands. The daemon's node uses that of <see cref="CreateSubnetManager"/>.</summary>
    ISubnetManager Subnets { get; }

    /// <summary>Finds out which node this is, and what an operator has stored about it. Once, before
    /// <see cref="CreateSubnetManager"/>; retries without end what can recover.</summary>
    /// <returns>The error is for an operator: a retry does not help.</returns>
    Task<Result<StoredNode>> IdentifyNodeAsync(CancellationToken cancellation);

    /// <summary>The subnet manager that holds this node's lease.</summary>
    /// <param name="loops">Monitors the loop that holds the lease.</param>
    ISubnetManager CreateSubnetManager(LivenessMonitor loops);

    /// <summary>This node's lease; null without one.</summary>
    /// <param name="state">As it was read.</param>
    /// <param name="publicIp">Of this host.</param>
    Lease? FindOwnLease(SubnetState state, Ipv4Address publicIp);

    /// <summary>What a route controller of this node uses.</summary>
    IControllerStore CreateControllerStore();

    /// <summary>The state of the connections, one line each. It sends nothing.</summary>
    IReadOnlyList<string> DescribeConnections();

    /// <summary>The servers with their versions, one line each.</summary>
    Task<string> DescribeServersAsync(CancellationToken cancellation);

    /// <summary>The id of the cluster.</summary>
    Task<ClusterIdState> ReadClusterIdAsync(CancellationToken cancellation);

    /// <summary>The network configuration as it is stored.</summary>
    Task<StoredConfig> ReadConfigAsync(CancellationToken cancellation);

    /// <summary>The command by which an operator changes the network configuration, for messages: <c>flanneld config set
    /// FILE</c>.</summary>
    string ConfigEditCommand { get; }

    /// <summary>The statuses of the routes of these leases by their key; without those that have none that can be read.</summary>
    Task<IReadOnlyDictionary<SubnetKey, RouteStatus>> ReadRouteStatusesAsync(
        IReadOnlyList<Lease> leases, CancellationToken cancellation);

    /// <summary>Another place that has a network configuration, which flannel does not read: <c>the v2 store of http://…</c>; null for
    /// none.</summary>
    Task<string?> FindMisplacedConfigAsync(CancellationToken cancellation);

    /// <summary>The time until a lease expires unless it is renewed; null for one that does not expire or does not exist.</summary>
    Task<TimeSpan?> ReadTimeToLiveAsync(Lease lease, CancellationToken cancellation);
}

/// <summary>What an operator has stored about this node.</summary>
/// <param name="PublicIp">Replaces that of the flags; null for none.</param>
/// <param name="PublicIpv6">Replaces that of the flags; null for none.</param>
internal sealed record StoredNode(Ipv4Address? PublicIp, IpAddress? PublicIpv6);

/// <summary>The id of the cluster as it is stored.</summary>
/// <param name="Id">Null before the first route controller, and for a value that is not an id.</param>
/// <param name="IsUnreadable">There is a value, and it is not an id: which routes belong to the cluster is unknown.</param>
internal sealed record ClusterIdState(ClusterId? Id, bool IsUnreadable = false);
