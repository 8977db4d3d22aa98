using Flannel.Core.Configuration;

namespace Flannel.Core.Leases;

/// <summary>All leases and the configuration at one revision of the subnet manager. Immutable.</summary>
/// <param name="Config">The network configuration; null if it is missing or invalid.</param>
/// <param name="Leases">Every lease below <c>{prefix}/subnets/</c> whose key and value can be read.</param>
/// <param name="Revision">The subnet manager's revision.</param>
/// <param name="IsComplete">False if a key or value cannot be read: then the absence of a lease proves nothing.</param>
public sealed record LeaseSnapshot(NetworkConfig? Config, IReadOnlyList<Lease> Leases, long Revision, bool IsComplete)
{
    /// <summary>Counts the changes that its reader has seen. Distinguishes one snapshot from the next: an etcd that was restored assigns
    /// the same revisions again.</summary>
    public long Generation { get; init; }

    /// <summary>Snapshots with the same number result from one listing and watch events alone: the end of a lease that is missing in the
    /// later one was observed. Between two listings etcd may have been restored or replaced, and absence proves nothing.</summary>
    public long Listing { get; init; }

    /// <summary>Leases that existed some minutes before <see cref="Listing"/>, as the store's history says, and not in it: their end is as
    /// certain as one that was watched. Empty if the reader does not know such a time.</summary>
    public IReadOnlyList<Lease> EndedBefore { get; init; } = [];
}
