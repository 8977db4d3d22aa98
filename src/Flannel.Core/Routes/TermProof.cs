namespace Flannel.Core.Routes;

/// <summary>What one linearizable read says about a controller's term and the leases that a deletion of routes is based on.</summary>
public enum TermProof
{
    /// <summary>The election is held, the cluster is the same, and the leases are as the caller believes.</summary>
    Proven,

    /// <summary>The election is held, but a lease that was believed absent exists, or one that was believed released has changed.</summary>
    LeasesDiffer,

    /// <summary>The election or the cluster's id is lost, or etcd gave no answer.</summary>
    Unproven,
}
