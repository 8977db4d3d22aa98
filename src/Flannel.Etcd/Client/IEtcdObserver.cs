namespace Flannel.Etcd.Client;

/// <summary>A request of etcd's v3 protocol, for <see cref="IEtcdObserver"/>.</summary>
public enum EtcdOperation
{
    Range,
    Txn,
    LeaseGrant,
    LeaseKeepAlive,
    LeaseTimeToLive,
    LeaseRevoke,

    /// <summary>The opening of a watch. It ends when the member watches all ranges.</summary>
    Watch,

    Authenticate,
}

/// <summary>Receives what the client of etcd does, for metrics. Thread-safe, and without waiting.</summary>
public interface IEtcdObserver
{
    /// <summary>A request to one member ended. A request that another member repeats counts again; one that the caller cancelled does
    /// not count.</summary>
    /// <param name="code">The name of the gRPC status: <c>OK</c>, <c>Unavailable</c>, <c>DeadlineExceeded</c> …</param>
    void RequestEnded(EtcdOperation operation, string code, TimeSpan duration);

    /// <summary>An open watch broke, and its caller must watch again.</summary>
    void WatchInterrupted();

    /// <summary>A renewal of the node's lease failed, and is retried.</summary>
    void RenewalFailed();
}

/// <summary>Ignores everything.</summary>
internal sealed class NoEtcdObserver : IEtcdObserver
{
    public static readonly NoEtcdObserver Instance = new();

    private NoEtcdObserver()
    {
    }

    public void RequestEnded(EtcdOperation operation, string code, TimeSpan duration)
    {
    }

    public void WatchInterrupted()
    {
    }

    public void RenewalFailed()
    {
    }
}
