using Flannel.Core.Configuration;

namespace Flannel.Core.Leases;

/// <summary>All leases and the configuration at one revision of etcd.</summary>
/// <param name="Config">The network configuration; null while it is missing or refused.</param>
/// <param name="Leases">Every lease below <c>{prefix}/subnets/</c> whose key and value can be read.</param>
/// <param name="Revision">etcd's revision that this is true of.</param>
/// <param name="IsWhole">False when a key or value could not be read: nothing may then be concluded from a lease's absence.</param>
public sealed record LeaseSnapshot(NetworkConfig? Config, IReadOnlyList<Lease> Leases, long Revision, bool IsWhole)
{
    /// <summary>Counts the changes that its reader has seen. Tells one view from the next: an etcd that was restored from a snapshot gives
    /// out the same revisions again.</summary>
    public long Generation { get; init; }

    /// <summary>Snapshots with the same number follow from one listing by watch events alone: a lease that is missing in the later one was
    /// seen to end. Between two listings etcd may have been restored or replaced, and absence proves nothing.</summary>
    public long Listing { get; init; }
}
