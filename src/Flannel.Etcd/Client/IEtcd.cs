using Etcdserverpb;

namespace Flannel.Etcd.Client;

/// <summary>The part of etcd's v3 protocol that flannel needs, with the protocol's own messages. <see cref="EtcdConnection"/> implements it
/// for a cluster; tests implement it by a model. Thread-safe.</summary>
/// <remarks>Every failure is an <see cref="EtcdException"/>; cancellation by the caller is an
/// <see cref="OperationCanceledException"/>.</remarks>
public interface IEtcd
{
    Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancellation);

    /// <remarks>After a failure with <see cref="EtcdException.MayHaveHappened"/> the caller must read before it writes again.</remarks>
    Task<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancellation);

    /// <param name="leaseId">Chosen by the caller, so that a grant whose response was lost can be revoked.</param>
    /// <param name="timeToLive">Whole seconds; etcd may grant more (<see cref="LeaseGrantResponse.TTL"/>).</param>
    Task<LeaseGrantResponse> LeaseGrantAsync(long leaseId, TimeSpan timeToLive, CancellationToken cancellation);

    /// <summary>One renewal.</summary>
    /// <returns>The time to live from now; null if the lease does not exist (it expired, or was revoked).</returns>
    Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, CancellationToken cancellation);

    /// <summary>The same, with another limit for the response of each member than <see cref="EtcdDurations.Call"/>.</summary>
    Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, TimeSpan callLimit, CancellationToken cancellation) =>
        LeaseKeepAliveOnceAsync(leaseId, cancellation);

    /// <summary>Revokes a lease and deletes every key attached to it. Succeeds if the lease does not exist.</summary>
    Task LeaseRevokeAsync(long leaseId, CancellationToken cancellation);

    /// <summary>One stream of the events of several ranges, each from its own start revision. The stream does not resume and does not end
    /// without a failure: it throws <see cref="EtcdException"/> when it breaks, is silent for too long, or cannot continue
    /// (<see cref="EtcdErrorKind.Compacted"/>). The first response for each range has <see cref="WatchResponse.Created"/>; progress
    /// notifications are not returned.</summary>
    /// <param name="ranges">Events are assigned to a range by their key, not by the watch id of the response: a proxy assigns other ids
    /// than were requested.</param>
    IAsyncEnumerable<WatchResponse> WatchAsync(IReadOnlyList<WatchCreateRequest> ranges, CancellationToken cancellation);
}
