using System.Collections.Concurrent;
using Etcdserverpb;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Flannel.Etcd.Election;
using Flannel.Etcd.Model;
using Flannel.Etcd.Registry;
using Flanneld.Controller;
using Microsoft.Extensions.Logging;
using Lease = Flannel.Core.Leases.Lease;

namespace Flanneld.Tests.Controller;

/// <summary>What etcd refuses the route controller neither ends the daemon nor keeps the controller from its other work.</summary>
public sealed class EtcdRouteControllerTermTests
{
    private readonly RefusingEtcd etcd = new(new ModelEtcd(TimeProvider.System));
    private readonly RecordingLogger logger = new();
    private readonly EtcdKeys keys = EtcdKeys.Parse("/coreos.com/network").Value;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(EtcdErrorKind.PermissionDenied)]
    [InlineData(EtcdErrorKind.Unauthenticated)]
    [InlineData(EtcdErrorKind.NoSpace)]
    public async Task A_refused_request_is_reported_once_and_done_without(EtcdErrorKind kind)
    {
        var context = new EtcdContext(etcd, keys, TimeProvider.System, new Random(1), logger);
        await using var held = await new EtcdElection(context, new ControllerHolder("i-1", "192.168.0.1")).CampaignAsync(Cancel);
        var term = new EtcdRouteControllerTerm(held, keys, TimeProvider.System, new Random(1), logger);
        var id = await term.ReadClusterIdAsync(Cancel);
        etcd.Refusal = new EtcdException(kind, "http://h:2379: etcdserver: refused", mayHaveHappened: false);

        Assert.Null(await term.Statuses.ReadStatusesAsync(Cancel));
        Assert.Null(await term.ReadAbsentLeasesAsync(Cancel));
        Assert.True(await term.WriteAbsentLeasesAsync("{}"u8.ToArray(), Cancel));
        Assert.True(await term.Statuses.PublishVSwitchesAsync("vpc-1", [Ipv4Network.Parse("192.168.0.0/24")], Cancel));
        Assert.True(await term.Statuses.DeleteAsync(["10.24.6.0-24"], Cancel));
        var lease = new Lease(new SubnetKey(Ipv4Network.Parse("10.24.5.0/24")),
            new LeaseAttributes(default, null, "ali-vpc", null, null), 1, 1, 1);
        var status = new RouteStatus("10.24.5.0/24", "i-1", [], RouteState.Available, "", "", default);
        var published = await term.Statuses.PublishAsync([new(lease, status)], Cancel);
        Assert.True(published.IsTermHeld);
        Assert.Equal(["10.24.5.0-24"], published.Rejected);
        var line = Assert.Single(logger.Lines, line => line.StartsWith("1142 ", StringComparison.Ordinal));
        Assert.Equal(
            kind == EtcdErrorKind.PermissionDenied,
            line.Contains("grant the etcd user readwrite on the prefix /coreos.com/network/ali-vpc/", StringComparison.Ordinal));

        etcd.Refusal = null;
        Assert.Equal(id, await term.ReadClusterIdAsync(Cancel));
        Assert.False(held.Lost.IsCancellationRequested);
    }

    private sealed class RecordingLogger : ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue($"{eventId.Id} {formatter(state, exception)}");
    }

    /// <summary>Refuses reads and transactions; renewals go on.</summary>
    private sealed class RefusingEtcd(IEtcd inner) : IEtcd
    {
        public EtcdException? Refusal { get; set; }

        public Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancellation) =>
            Refusal is { } e ? Task.FromException<RangeResponse>(e) : inner.RangeAsync(request, cancellation);

        public Task<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancellation) =>
            Refusal is { } e ? Task.FromException<TxnResponse>(e) : inner.TxnAsync(request, cancellation);

        public Task<LeaseGrantResponse> LeaseGrantAsync(long leaseId, TimeSpan timeToLive, CancellationToken cancellation) =>
            inner.LeaseGrantAsync(leaseId, timeToLive, cancellation);

        public Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, CancellationToken cancellation) =>
            inner.LeaseKeepAliveOnceAsync(leaseId, cancellation);

        public Task LeaseRevokeAsync(long leaseId, CancellationToken cancellation) => inner.LeaseRevokeAsync(leaseId, cancellation);

        public IAsyncEnumerable<WatchResponse> WatchAsync(IReadOnlyList<WatchCreateRequest> ranges, CancellationToken cancellation) =>
            inner.WatchAsync(ranges, cancellation);
    }
}
