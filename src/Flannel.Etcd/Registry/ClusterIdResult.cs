using Flannel.Core.Routes;

namespace Flannel.Etcd.Registry;

/// <summary>What <c>{prefix}/ali-vpc/cluster</c> says.</summary>
public abstract record ClusterIdResult
{
    public sealed record Known(ClusterId Id) : ClusterIdResult;

    /// <summary>No route controller has worked here yet.</summary>
    public sealed record Missing : ClusterIdResult;

    /// <summary>The value is not one of this program: which routes belong to the cluster is unknown.</summary>
    public sealed record Unreadable : ClusterIdResult;

    /// <summary>The term ended before the id was known.</summary>
    public sealed record TermOver : ClusterIdResult;
}
