namespace Flannel.Core.Routes;

/// <summary>The result of one linearizable read of a controller's term and of the leases that a deletion of routes is based on.</summary>
public enum TermProof
{
    /// <summary>The election is held, the cluster is the same, and the leases are as the caller assumes.</summary>
    Proven,

    /// <summary>The election is held, but a lease that was assumed absent exists, or one that was assumed released has changed.</summary>
    LeasesDiffer,

    /// <summary>The election or the cluster's id is lost, or etcd is unavailable.</summary>
    Unproven,
}
