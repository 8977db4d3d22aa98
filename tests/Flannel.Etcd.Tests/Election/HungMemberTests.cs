using System.Collections.Concurrent;
using Etcdserverpb;
using Flannel.Etcd.Client;
using Flannel.Etcd.Election;
using Flannel.Etcd.Model;
using Flannel.Etcd.Tests.Fixtures;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.Etcd.Tests.Election;

public sealed class HungMemberTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_term_is_renewed_when_the_used_member_hangs()
    {
        await using var etcd = await EtcdMembers.StartAsync();
        var fixture = new RegistryFixture(etcd.Connect());
        await using var term = await fixture.CampaignAsync();
        await etcd.SignalAsync(0, "STOP");
        fixture.Etcd.ClearRequests();
        await Eventually.IsAsync(
            "the term is renewed three times", () => fixture.Etcd.Requests.Count(request => request == "LeaseKeepAlive") >= 4
                || term.Lost.IsCancellationRequested);
        Assert.False(term.Lost.IsCancellationRequested, string.Join('\n', fixture.Logger.Lines));
        Assert.True(await term.StillHeldAsync(Cancel));
        await etcd.SignalAsync(0, "CONT");
    }

    [Fact]
    public async Task The_time_between_two_renewals_is_sufficient_to_try_three_members()
    {
        var time = new FakeTimeProvider();
        var etcd = new RenewalLimits(new ModelEtcd(time));
        var fixture = new RegistryFixture(etcd, time: time);
        await using var term = await fixture.CampaignAsync();
        await Eventually.IsAsync("a renewal", async () =>
        {
            time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(1, Cancel);
            return !etcd.Limits.IsEmpty;
        });
        Assert.True(EtcdElection.TermTime / 3 + etcd.Limits.First() * 3 < EtcdElection.TermTime * 4 / 5, $"{etcd.Limits.First()}");
    }

    /// <summary>Records the time limits of renewals.</summary>
    private sealed class RenewalLimits(IEtcd inner) : IEtcd
    {
        public ConcurrentQueue<TimeSpan> Limits { get; } = [];

        public Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancellation) =>
            inner.RangeAsync(request, cancellation);

        public Task<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancellation) =>
            inner.TxnAsync(request, cancellation);

        public Task<LeaseGrantResponse> LeaseGrantAsync(long leaseId, TimeSpan timeToLive, CancellationToken cancellation) =>
            inner.LeaseGrantAsync(leaseId, timeToLive, cancellation);

        public Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, CancellationToken cancellation) =>
            LeaseKeepAliveOnceAsync(leaseId, EtcdDurations.Call, cancellation);

        public Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, TimeSpan callLimit, CancellationToken cancellation)
        {
            Limits.Enqueue(callLimit);
            return inner.LeaseKeepAliveOnceAsync(leaseId, cancellation);
        }

        public Task LeaseRevokeAsync(long leaseId, CancellationToken cancellation) => inner.LeaseRevokeAsync(leaseId, cancellation);

        public IAsyncEnumerable<WatchResponse> WatchAsync(
            IReadOnlyList<WatchCreateRequest> ranges, CancellationToken cancellation) =>
                inner.WatchAsync(ranges, cancellation);
    }
}
