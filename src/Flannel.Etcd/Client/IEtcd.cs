using Etcdserverpb;

namespace Flannel.Etcd.Client;

/// <summary>The part of etcd's v3 protocol that flannel needs, in the protocol's own messages. <see cref="EtcdConnection"/>
/// speaks it to a cluster; a model of etcd may stand in its place.
/// Every failure is an <see cref="EtcdException"/>; cancellation by the caller is an <see cref="OperationCanceledException"/>.</summary>
public interface IEtcd
{
    Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancellation);

    /// <remarks>After a failure with <see cref="EtcdException.MayHaveHappened"/> the caller must read before it writes again.</remarks>
    Task<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancellation);

    /// <param name="leaseId">Chosen by the caller, so that a grant whose answer was lost can be repeated and leaves nothing behind.</param>
    /// <param name="timeToLive">Whole seconds; etcd may give more (<see cref="LeaseGrantResponse.TTL"/>).</param>
    Task<LeaseGrantResponse> LeaseGrantAsync(long leaseId, TimeSpan timeToLive, CancellationToken cancellation);

    /// <summary>One renewal.</summary>
    /// <returns>The time to live from now on; null when etcd knows no such lease (it expired, or was revoked).</returns>
    Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, CancellationToken cancellation);

    /// <summary>The same, with a limit for the answer of each member in place of the usual one.</summary>
    Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, TimeSpan callLimit, CancellationToken cancellation) =>
        LeaseKeepAliveOnceAsync(leaseId, cancellation);

    /// <summary>Ends a lease and deletes every key attached to it. A lease that is gone already is a success.</summary>
    Task LeaseRevokeAsync(long leaseId, CancellationToken cancellation);

    /// <summary>One stream of events of several ranges, each from its own start revision. The stream never resumes by itself and never ends
    /// well: it throws <see cref="EtcdException"/> when it breaks, falls silent, or cannot go on (<see cref="EtcdErrorKind.Compacted"/>).
    /// The first answer for each range has <see cref="WatchResponse.Created"/>; progress notifications are not handed out.</summary>
    /// <param name="ranges">Which of them an event belongs to is told by its key: the watch ids of the answers are the server's, and a
    /// proxy assigns others than were asked for.</param>
    IAsyncEnumerable<WatchResponse> WatchAsync(IReadOnlyList<WatchCreateRequest> ranges, CancellationToken cancellation);
}
