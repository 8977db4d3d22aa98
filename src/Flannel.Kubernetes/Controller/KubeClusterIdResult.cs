using Flannel.Core.Routes;

namespace Flannel.Kubernetes.Controller;

/// <summary>The outcome of a read of the cluster's id.</summary>
public abstract record KubeClusterIdResult
{
    private KubeClusterIdResult()
    {
    }

    public sealed record Known(ClusterId Id) : KubeClusterIdResult;

    /// <summary>No route controller was elected yet.</summary>
    public sealed record Missing : KubeClusterIdResult;

    /// <summary>The annotation was not written by this program: which routes belong to the cluster is unknown.</summary>
    public sealed record Unreadable : KubeClusterIdResult;

    /// <summary>The term ended before the id was known.</summary>
    public sealed record TermOver : KubeClusterIdResult;
}
