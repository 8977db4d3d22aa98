using Flannel.Core.Configuration;
using Flannel.Core.Leases;

namespace Flanneld.Node;

/// <summary>What changes a <see cref="NodeState"/>.</summary>
internal abstract record NodeEvent
{
    private NodeEvent()
    {
    }

    /// <summary>The node has no lease yet.</summary>
    /// <param name="Reason">What it waits for, one line.</param>
    public sealed record Waiting(string Reason) : NodeEvent;

    /// <summary>The node holds its lease.</summary>
    /// <param name="TimeToLive">From now; null for a reservation.</param>
    /// <param name="InstanceId">Null where the backend requires no route.</param>
    public sealed record Acquired(Lease Lease, NetworkConfig Config, TimeSpan? TimeToLive, string? InstanceId) : NodeEvent
    {
        /// <summary>The subnet manager's revision of the configuration.</summary>
        public long ConfigRevision { get; init; }

        /// <summary>The node is reached through a tunnel while its route cannot be created.</summary>
        public bool HasFallback { get; init; }

        /// <summary>A file of an earlier run stays while there is no route status that decides: the lease has another key now, or the node
        /// may have been in fallback.</summary>
        public bool IsContinued { get; init; }
    }

    /// <summary>The lease, its route status, the network configuration or the route controller changed.</summary>
    public sealed record LeaseChanged(LeaseEvent Change) : NodeEvent;

    /// <summary>Why no route controller is elected was found out.</summary>
    /// <param name="Reason">One line.</param>
    public sealed record VacancyExplained(string Reason) : NodeEvent;

    /// <summary>The host was compared with the state.</summary>
    /// <param name="TunnelPeers">How many other nodes are reached through the tunnel; null without one.</param>
    public sealed record HostReconciled(SubnetFileCheck SubnetFile, int? TunnelPeers = null) : NodeEvent;
}
