using System.Net.Sockets;
using System.Text;
using Etcdserverpb;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flanneld.Backends;
using Flanneld.Controller;
using Flanneld.Host;
using Flanneld.Node;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Lease = Flannel.Core.Leases.Lease;

namespace Flanneld.Tests.Node;

/// <summary>systemd's watchdog gets a keep-alive only while all loops make progress.</summary>
public sealed class NodeLoopTests : IDisposable
{
    private const string Alive = "WATCHDOG=1";
    private static readonly TimeSpan KeepAliveInterval = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);

    private readonly FakeTimeProvider time = new();
    private readonly string path = $"{Path.GetTempPath()}/flannel-notify-{Guid.NewGuid():N}";
    private readonly Socket manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly LivenessMonitor loops;

    public NodeLoopTests()
    {
        loops = new LivenessMonitor(time);
        manager.Bind(new UnixDomainSocketEndPoint(path));
    }

    [Fact]
    public async Task The_keep_alive_stops_when_the_lease_keeper_is_stuck()
    {
        using var stop = new CancellationTokenSource();
        using var systemd = new SystemdNotifier(path);
        var running = RunAsync(new SilentEtcd(), systemd, stop.Token);

        // The keeper waits for its first response: it may work for ten minutes, and be late by one.
        var began = time.GetTimestamp();
        var (keepAliveCount, message) = (0, NextMessage());
        while (message != Alive) message = NextMessage();
        for (; message == Alive; message = NextMessage()) keepAliveCount++;
        Assert.Equal(
            "STATUS=hangs: the lease keeper is stuck: no progress for ",
            message[..message.LastIndexOf("for ", StringComparison.Ordinal)] + "for ");
        Assert.InRange(time.GetElapsedTime(began), TimeSpan.FromMinutes(11), TimeSpan.FromMinutes(12));
        Assert.InRange(keepAliveCount, 11, 33);
        Assert.StartsWith("STATUS=hangs: ", NextMessage(), StringComparison.Ordinal);

        await EndAsync(running, stop);
    }

    [Fact]
    public async Task The_keep_alive_resumes_when_the_loop_makes_progress_again()
    {
        using var stop = new CancellationTokenSource();
        using var systemd = new SystemdNotifier(path);
        var running = RunAsync(new SilentEtcd(), systemd, stop.Token);
        using var other = loops.Begin("another", TimeSpan.FromMinutes(1));
        var message = NextMessage();
        while (message != Alive) message = NextMessage();
        while (message == Alive) message = NextMessage();

        Assert.StartsWith("STATUS=hangs: another is stuck: no progress for ", message, StringComparison.Ordinal);
        other.Idle(Timeout.InfiniteTimeSpan);
        while (NextMessage() != Alive) Assert.Null(loops.Hung);

        await EndAsync(running, stop);
    }

    [Fact]
    public async Task A_stuck_node_loop_is_reported_by_the_liveness_monitor()
    {
        using var stop = new CancellationTokenSource();
        using var systemd = new SystemdNotifier(path);
        using var stuck = new StuckLogger();
        // The file is written, which is logged.
        var running = Task.Run(() => RunAsync(new SilentEtcd(), systemd, stop.Token, stuck), TestContext.Current.CancellationToken);
        for (var steps = 0; !stuck.IsReached; steps++)
        {
            Assert.True(steps < 1000, "nothing was logged");
            time.Advance(Step);
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        Assert.Null(loops.Hung);
        time.Advance(TimeSpan.FromMinutes(12));
        Assert.StartsWith("the node's loop is stuck: no progress for ", loops.Hung, StringComparison.Ordinal);

        stuck.Release();
        await EndAsync(running, stop);
    }

    public void Dispose()
    {
        manager.Dispose();
        File.Delete(path);
        File.Delete($"{path}.env");
    }

    /// <summary>Advances the time until there is a message to systemd, and returns it.</summary>
    private string NextMessage()
    {
        for (var steps = 0; !manager.Poll(TimeSpan.FromMilliseconds(2), SelectMode.SelectRead); steps++)
        {
            Assert.True(steps < 10_000, "the loop sends no more messages");
            time.Advance(Step);
        }

        var buffer = new byte[1024];
        return Encoding.UTF8.GetString(buffer, 0, manager.Receive(buffer));
    }

    /// <summary>Advances the time meanwhile: at its end the lease keeper revokes an unused etcd lease, with a time-out.</summary>
    private async Task EndAsync(Task running, CancellationTokenSource stop)
    {
        await stop.CancelAsync();
        while (!running.IsCompleted)
        {
            time.Advance(Step);
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private Task<string> RunAsync(
        IEtcd etcd, SystemdNotifier systemd, CancellationToken cancellation, ILogger? logger = null)
    {
        var subnet = Ipv4Network.Parse("10.24.5.0/24");
        var config = NetworkConfigParser.Parse("""{"Network":"10.24.0.0/16","Backend":{"Type":"alloc"}}"""u8).Value;
        var lease = new Lease(
            new SubnetKey(subnet), new LeaseAttributes(Ipv4Address.Parse("192.168.1.11"), null, "alloc", null, null),
            new EtcdLeaseIdentity(10, 7), 10);
        var held = new HeldLease(lease, config, 5, false, new LeaseExpiry(time.GetTimestamp(), TimeSpan.FromHours(24)));
        var keys = EtcdKeys.Parse("/coreos.com/network").Value;
        var readiness = new NodeReadiness(
            EtcdException.ManagerName, systemd, new ControllerMetrics(), time, time.GetTimestamp(), logger ?? NullLogger.Instance);
        readiness.Apply(new NodeEvent.Acquired(lease, config, TimeSpan.FromHours(24), null));
        var file = new SubnetFileReconciler(
            new SubnetFile($"{path}.env"), new SubnetEnv(config.Network, subnet, 1500, false), logger ?? NullLogger.Instance);
        var host = new HostReconciler(readiness, file, null);
        var subnets = new EtcdSubnetManager(new EtcdContext(etcd, keys, time, new Random(1), NullLogger.Instance), loops: loops);
        var configChanges = new ConfigChanges(new LeasedSubnet(held, new AllocBackend(), null), NullLogger.Instance);
        var controllerChanges = new ControllerChanges(isRouteRequired: false, () => null, NullLogger.Instance);
        var watchdog = new WatchdogKeepAlive(systemd, readiness, loops, KeepAliveInterval, time, NullLogger.Instance);
        var changes = new ClusterChanges(configChanges, controllerChanges, null);
        return new NodeLoop(readiness, host, changes, watchdog, loops, time).RunAsync(
            stop => subnets.HoldAsync(held, stop), cancellation);
    }

    /// <summary>Blocks at the first line until <see cref="Release"/>.</summary>
    private sealed class StuckLogger : ILogger, IDisposable
    {
        private readonly ManualResetEventSlim released = new();
        private volatile bool isReached;

        public bool IsReached => isReached;

        public void Release() => released.Set();

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            isReached = true;
            released.Wait();
        }

        public void Dispose() => released.Dispose();
    }

    /// <summary>Accepts every request and answers none, without a time-out.</summary>
    private sealed class SilentEtcd : IEtcd
    {
        public Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancellation) =>
            NeverAsync<RangeResponse>(cancellation);

        public Task<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancellation) => NeverAsync<TxnResponse>(cancellation);

        public Task<LeaseGrantResponse> LeaseGrantAsync(long leaseId, TimeSpan timeToLive, CancellationToken cancellation) =>
            NeverAsync<LeaseGrantResponse>(cancellation);

        public Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, CancellationToken cancellation) => NeverAsync<TimeSpan?>(cancellation);

        public Task LeaseRevokeAsync(long leaseId, CancellationToken cancellation) => NeverAsync<bool>(cancellation);

        public async IAsyncEnumerable<WatchResponse> WatchAsync(
            IReadOnlyList<WatchCreateRequest> ranges,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
        {
            yield return await NeverAsync<WatchResponse>(cancellation);
        }

        private static async Task<T> NeverAsync<T>(CancellationToken cancellation)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
            throw new InvalidOperationException("unreachable: the delay ends only by cancellation");
        }
    }
}
