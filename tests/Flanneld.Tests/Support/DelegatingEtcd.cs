using Etcdserverpb;
using Flannel.Etcd.Client;

namespace Flanneld.Tests.Support;

/// <summary>Passes every request on.</summary>
internal abstract class DelegatingEtcd(IEtcd inner) : IEtcd
{
    public virtual Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancellation) =>
        inner.RangeAsync(request, cancellation);

    public virtual Task<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancellation) =>
        inner.TxnAsync(request, cancellation);

    public virtual Task<LeaseGrantResponse> LeaseGrantAsync(long leaseId, TimeSpan timeToLive, CancellationToken cancellation) =>
        inner.LeaseGrantAsync(leaseId, timeToLive, cancellation);

    public virtual Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, CancellationToken cancellation) =>
        inner.LeaseKeepAliveOnceAsync(leaseId, cancellation);

    public Task LeaseRevokeAsync(long leaseId, CancellationToken cancellation) => inner.LeaseRevokeAsync(leaseId, cancellation);

    public IAsyncEnumerable<WatchResponse> WatchAsync(IReadOnlyList<WatchCreateRequest> ranges, CancellationToken cancellation) =>
        inner.WatchAsync(ranges, cancellation);
}

/// <summary>Rejects reads and transactions while <see cref="Rejection"/> is set. Renewals succeed.</summary>
internal sealed class RejectingEtcd(IEtcd inner) : DelegatingEtcd(inner)
{
    public EtcdException? Rejection { get; set; }

    public override Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancellation) =>
        Rejection is { } e ? Task.FromException<RangeResponse>(e) : base.RangeAsync(request, cancellation);

    public override Task<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancellation) =>
        Rejection is { } e ? Task.FromException<TxnResponse>(e) : base.TxnAsync(request, cancellation);
}
