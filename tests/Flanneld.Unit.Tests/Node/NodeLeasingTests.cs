using System.Runtime.CompilerServices;
using Etcdserverpb;
using Flannel.AliVpc.Metadata;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Etcd;
using Flannel.Etcd.Leasing;
using Flanneld.Host;
using Flanneld.Node;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Flanneld.Unit.Tests.Node;

public sealed class NodeLeasingTests : IDisposable
{
    private static readonly TimeSpan Step = TimeSpan.FromMinutes(30);
    private readonly FakeTimeProvider time = new();
    private readonly string path = $"{Path.GetTempPath()}/flannel-{Guid.NewGuid():N}.env";

    public void Dispose() => File.Delete(path);

    [Fact]
    public async Task While_etcd_is_unavailable_the_file_of_before_stays_for_as_long_as_a_lease_lives()
    {
        await File.WriteAllTextAsync(path, "FLANNEL_SUBNET=10.24.5.1/24\n", TestContext.Current.CancellationToken);
        Assert.True(EtcdKeys.TryCreate("/coreos.com/network", out var keys, out var error), error);
        var registry = new SubnetRegistry(new UnavailableEtcd(), keys, time, new Random(1), NullLogger.Instance);
        var former = new FormerSubnet(new SubnetFile(path), NullLogger.Instance);
        var address = new NodeAddress(Ipv4Address.Parse("192.168.1.11"), null, former.ReadSubnet());
        using var stop = new CancellationTokenSource();
        var taking = new NodeLeasing(registry, keys, address, new NoIdentity(), former, _ => { }, time, NullLogger.Instance).TakeAsync(stop.Token);

        for (var passed = TimeSpan.Zero; passed < TimeSpan.FromHours(23.5); passed += Step) await PassAsync();
        Assert.True(File.Exists(path));
        for (var steps = 0; File.Exists(path); steps++)
        {
            Assert.True(steps < 100, "the file stays for ever");
            await PassAsync();
        }

        Assert.False(taking.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => taking);
    }

    /// <summary>A timer counts whole milliseconds: a wait for less is over at once.</summary>
    [Fact]
    public async Task The_last_fraction_of_a_millisecond_of_a_lease_is_not_waited_for_in_a_busy_loop()
    {
        var wholePart = TimeSpan.FromMinutes(1);
        var counting = new CountingTimeProvider();
        await File.WriteAllTextAsync(path, "FLANNEL_SUBNET=10.24.5.1/24\n", TestContext.Current.CancellationToken);
        Assert.True(EtcdKeys.TryCreate("/coreos.com/network", out var keys, out var error), error);
        var leaseTime = wholePart + TimeSpan.FromMicroseconds(500);
        var registry = new SubnetRegistry(new UnavailableEtcd(), keys, counting, new Random(1), NullLogger.Instance, leaseTime);
        var former = new FormerSubnet(new SubnetFile(path), NullLogger.Instance);
        var address = new NodeAddress(Ipv4Address.Parse("192.168.1.11"), null, former.ReadSubnet());
        using var stop = new CancellationTokenSource();
        var taking = new NodeLeasing(registry, keys, address, new NoIdentity(), former, _ => { }, counting, NullLogger.Instance).TakeAsync(stop.Token);

        counting.Advance(wholePart);
        await Task.Delay(TimeSpan.FromMilliseconds(100), TestContext.Current.CancellationToken);
        Assert.InRange(counting.Reads, 1, CountingTimeProvider.MaxReads);
        Assert.False(File.Exists(path));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => taking);
    }

    private async Task PassAsync()
    {
        time.Advance(Step);
        await Task.Delay(1, TestContext.Current.CancellationToken);
    }

    private sealed class CountingTimeProvider : FakeTimeProvider
    {
        public const int MaxReads = 1000;

        public int Reads { get; private set; }

        /// <summary>Ends a busy loop, which would hang the test.</summary>
        public override long GetTimestamp() =>
            ++Reads <= MaxReads ? base.GetTimestamp() : throw new InvalidOperationException("the clock is read in a busy loop");
    }

    private sealed class NoIdentity : INodeIdentity
    {
        public InstanceIdentity? Current => null;

        public Task<IdentityResult> ReadAsync() => Task.FromResult<IdentityResult>(new IdentityResult.Impossible("not asked"));
    }

    private sealed class UnavailableEtcd : IEtcd
    {
        public Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancellation) => throw Unavailable();

        public Task<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancellation) => throw Unavailable();

        public Task<LeaseGrantResponse> LeaseGrantAsync(long leaseId, TimeSpan timeToLive, CancellationToken cancellation) => throw Unavailable();

        public Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, CancellationToken cancellation) => throw Unavailable();

        public Task LeaseRevokeAsync(long leaseId, CancellationToken cancellation) => throw Unavailable();

        public async IAsyncEnumerable<WatchResponse> WatchAsync(IReadOnlyList<WatchCreateRequest> ranges, [EnumeratorCancellation] CancellationToken cancellation)
        {
            await Task.Yield();
            if (!cancellation.IsCancellationRequested) throw Unavailable();
            yield break;
        }

        private static EtcdException Unavailable() => new(EtcdErrorKind.Unavailable, "nobody answers", mayHaveHappened: false);
    }
}
