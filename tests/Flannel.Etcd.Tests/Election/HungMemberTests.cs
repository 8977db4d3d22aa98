using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Flannel.Etcd.Election;
using Flannel.Etcd.Model;
using Flannel.Etcd.Registry;
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
        var fixture = new RegistryFixture(etcd.Connect(), "/coreos.com/network");
        await using var term = await CampaignAsync(fixture, TimeProvider.System);
        await etcd.SignalAsync(0, "STOP");
        fixture.Etcd.Forget();
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
        var limits = new List<TimeSpan>();
        var etcd = new LimitedEtcd(new ModelEtcd(time), limits);
        var fixture = new RegistryFixture(etcd, "/coreos.com/network", time: time);
        await using var term = await CampaignAsync(fixture, time);
        await Eventually.IsAsync("a renewal", async () =>
        {
            time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(1, Cancel);
            return limits.Count > 0;
        });
        Assert.True(EtcdElection.TermTime / 3 + limits[0] * 3 < EtcdElection.TermTime * 4 / 5, $"{limits[0]}");
    }

    private static Task<ElectedTerm> CampaignAsync(RegistryFixture fixture, TimeProvider time) =>
        Eventually.WithinAsync(
            "elected",
            new EtcdElection(fixture.Context with { Time = time }, new ControllerHolder("i-1", "192.168.0.1")).CampaignAsync(Cancel));

    /// <summary>Notes the limits that renewals are given.</summary>
    private sealed class LimitedEtcd(IEtcd inner, List<TimeSpan> limits) : IEtcd
    {
        public Task<Etcdserverpb.RangeResponse> RangeAsync(Etcdserverpb.RangeRequest request, CancellationToken cancellation) =>
            inner.RangeAsync(request, cancellation);

        public Task<Etcdserverpb.TxnResponse> TxnAsync(Etcdserverpb.TxnRequest request, CancellationToken cancellation) =>
            inner.TxnAsync(request, cancellation);

        public Task<Etcdserverpb.LeaseGrantResponse> LeaseGrantAsync(long leaseId, TimeSpan timeToLive, CancellationToken cancellation) =>
            inner.LeaseGrantAsync(leaseId, timeToLive, cancellation);

        public Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, CancellationToken cancellation) =>
            LeaseKeepAliveOnceAsync(leaseId, EtcdDurations.Call, cancellation);

        public Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, TimeSpan callLimit, CancellationToken cancellation)
        {
            limits.Add(callLimit);
            return inner.LeaseKeepAliveOnceAsync(leaseId, cancellation);
        }

        public Task LeaseRevokeAsync(long leaseId, CancellationToken cancellation) => inner.LeaseRevokeAsync(leaseId, cancellation);

        public IAsyncEnumerable<Etcdserverpb.WatchResponse> WatchAsync(
            IReadOnlyList<Etcdserverpb.WatchCreateRequest> ranges, CancellationToken cancellation) =>
                inner.WatchAsync(ranges, cancellation);
    }
}
