namespace Flannel.Kubernetes.Client;

/// <summary>Receives what the client of the Kubernetes API does, for metrics. Thread-safe, and without waiting.</summary>
public interface IKubeObserver
{
    /// <summary>A request ended. A request that was repeated counts again; one that the caller cancelled does not count. A watch ends here
    /// when the API server has accepted it.</summary>
    /// <param name="verb">As in RBAC: <c>get</c>, <c>list</c>, <c>watch</c>, <c>create</c>, <c>update</c> or <c>patch</c>.</param>
    /// <param name="resource">As in RBAC, such as <c>nodes/status</c>; <c>version</c> for the path of that name.</param>
    /// <param name="httpStatus">0 without a response that could be read.</param>
    void RequestEnded(string verb, string resource, int httpStatus, TimeSpan duration);

    /// <summary>An open watch broke or expired, and its caller must watch or list again. A watch that the API server ended in time does not
    /// count.</summary>
    void WatchInterrupted();
}

/// <summary>Ignores everything.</summary>
internal sealed class NoKubeObserver : IKubeObserver
{
    public static readonly NoKubeObserver Instance = new();

    private NoKubeObserver()
    {
    }

    public void RequestEnded(string verb, string resource, int httpStatus, TimeSpan duration)
    {
    }

    public void WatchInterrupted()
    {
    }
}
