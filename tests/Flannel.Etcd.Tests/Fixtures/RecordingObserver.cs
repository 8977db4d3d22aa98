using System.Collections.Concurrent;
using Flannel.Etcd.Client;

namespace Flannel.Etcd.Tests.Fixtures;

/// <summary>Keeps what the client reports.</summary>
public sealed class RecordingObserver : IEtcdObserver
{
    private readonly ConcurrentQueue<string> requests = [];
    private int failedRenewals;
    private int interruptions;

    /// <summary>Operation and code of each request.</summary>
    public IReadOnlyList<string> Requests => [.. requests];

    public int FailedRenewals => Volatile.Read(ref failedRenewals);

    public int Interruptions => Volatile.Read(ref interruptions);

    public void RequestEnded(EtcdOperation operation, string code, TimeSpan duration) => requests.Enqueue($"{operation} {code}");

    public void WatchInterrupted() => Interlocked.Increment(ref interruptions);

    public void RenewalFailed() => Interlocked.Increment(ref failedRenewals);
}
