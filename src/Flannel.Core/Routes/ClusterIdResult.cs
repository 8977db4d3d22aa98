namespace Flannel.Core.Routes;

/// <summary>The outcome of a read of the cluster's id from the store.</summary>
public abstract record ClusterIdResult
{
    private ClusterIdResult()
    {
    }

    public sealed record Known(ClusterId Id) : ClusterIdResult;

    /// <summary>No route controller was elected yet.</summary>
    public sealed record Missing : ClusterIdResult;

    /// <summary>The value was not written by this program: which routes belong to the cluster is unknown.</summary>
    public sealed record Unreadable : ClusterIdResult;

    /// <summary>The term ended before the id was known.</summary>
    public sealed record TermOver : ClusterIdResult;
}
