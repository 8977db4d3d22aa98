using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Http;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flanneld.Clients;
using Flanneld.Controller;
using Flanneld.Host;
using Flanneld.Node;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>One process of <c>flanneld</c>: the real <see cref="NodeLifecycle"/> with the real lease, readiness, subnet file, election and
/// route controller. Only etcd, the cloud's API, the metadata service, time and randomness are simulated.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "a killed process disposes of nothing")]
internal sealed class Daemon
{
    public static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan RenewMargin = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan Resync = TimeSpan.FromSeconds(20);
    private const int Mtu = 1500;

    private readonly Cluster cluster;
    private readonly Random random;
    private readonly ProcessClock clock;
    private readonly ControllerMetrics metrics = new();
    private readonly SystemdNotifier systemd = new(null);
    private readonly ILoggerFactory loggers;
    private readonly NodeReadiness readiness;
    private readonly CancellationTokenSource stop = new();

    public Daemon(Cluster cluster, Machine machine, int seed)
    {
        this.cluster = cluster;
        Machine = machine;
        random = new Random(seed);
        Started = cluster.Scheduler.Now;
        Context = new ProcessContext(cluster.Scheduler);
        clock = new ProcessClock(cluster.Scheduler, Context, () => machine.WallClockError);
        loggers = cluster.Scheduler.IsLogging ? new SimulatedLoggers(cluster.Scheduler, machine.Name) : NullLoggerFactory.Instance;
        readiness = new NodeReadiness(
            EtcdException.ManagerName, systemd, metrics, clock, clock.GetTimestamp(), loggers.CreateLogger("node"));
        Health = new NodeHealth(readiness, new DaemonMetrics { Controller = metrics }, new LivenessMonitor(clock), clock.GetUtcNow());
        Etcd = new SimulatedEtcd(machine.Name, cluster.Scheduler, Context, cluster.Store,
            new CheckedEtcdWrites(cluster, this), cluster.Conditions);
        if (machine.IsIsolated) Etcd.Isolate();
    }

    public Machine Machine { get; }

    public TimeSpan Started { get; }

    public ProcessContext Context { get; }

    public SimulatedEtcd Etcd { get; }

    public NodeHealth Health { get; }

    public bool IsReady => Health.Checks.All(check => check.Ok);

    /// <summary>Whether its health check says that <c>subnet.env</c> is up to date.</summary>
    public bool Publishes => Health.Checks[^1].Ok;

    /// <summary>The subnet that this process publishes to the host, or null. The file of an earlier process does not count.</summary>
    public Ipv4Network? Subnet => Publishes ? Machine.SubnetInFile : null;

    /// <summary>The published subnet after the last step of the process; null without one.</summary>
    public Ipv4Network? Published { get; set; }

    public bool ActsAsController => metrics.IsController;

    /// <summary>An action of another party on its lease; without one the lease must not be lost.</summary>
    public string? LeaseDisturbance { get; set; }

    /// <summary>The time by which the process must notice that it has lost its subnet; until then it may use it.</summary>
    public TimeSpan? NoticeDeadline { get; set; }

    public void Start() => Context.Post(
        async _ =>
        {
            string? end = null;
            try
            {
                end = await RunAsync();
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // Stopped by systemd.
            }
            catch (Exception e)
            {
                cluster.Fail($"{Machine.Name}: internal error: {e}");
            }

            cluster.Ended(this, end);
        },
        null);

    /// <summary>Stops the process, as systemd does.</summary>
    public void Stop() => Context.Deliver(() => Context.Post(_ => stop.Cancel(), null));

    public void Kill()
    {
        Context.Kill();
        Etcd.CloseConnections();
    }

    /// <summary>As <c>DaemonHost</c> does.</summary>
    private async Task<string> RunAsync()
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        var settings = new NodeSettings(Machine.PublicIp, Mtu)
        {
            MayControlRoutes = Machine.MayControl,
            InterfaceIpv6Address = cluster.IsDualStack ? IpAddress.V6(((UInt128)0xfd00 << 112) + Machine.PublicIp.Value) : null,
        };
        var loops = new LivenessMonitor(clock);
        var host = new NodeHost(new SimulatedSubnetFile(this, cluster.Invariants), Machine.LastSubnet, readiness, systemd, loops);
        var identity = new SimulatedIdentity(Machine, () => Task.Delay(cluster.Scheduler.Between(0.001, 0.05), clock));
        var candidates = new CandidateFactory(
            new ControllerSettings(Machine.PublicIp, Resync),
            new EtcdControllerStore(
                new EtcdContext(Etcd, cluster.Keys, clock, random, loggers.CreateLogger("etcd")), loggers.CreateLogger("routes")),
            _ => OpenCloud(loggers.CreateLogger("cloud")),
            new ControllerMonitoring(metrics, loops, loggers), clock, random);
        var subnets = new EtcdSubnetManager(
            new EtcdContext(Etcd, cluster.Keys, clock, random, loggers.CreateLogger("etcd")),
            new EtcdSubnetManagerOptions { LeaseTime = LeaseTime, RenewMargin = RenewMargin }, loops);
        var services = new NodeServices(subnets, identity, candidates, loggers, clock) { Random = random };
        var tasks = new BackgroundTasks(stop.Token);
        using var node = new NodeLifecycle(settings, host, services, tasks);
        try
        {
            return await node.RunAsync(ending.Token);
        }
        finally
        {
            ending.Cancel();
            await tasks.WhenAllEndedAsync();
        }
    }

    private SimulatedCloudAccess OpenCloud(ILogger logger) => new(
        new CredentialChain(
            [new SimulatedKey(Machine.HasCredentials)],
            new CloudContext(new CloudApiOptions { ProgramVersion = "simulation" }, clock, random, logger)),
        new SimulatedCloudApi(cluster, this));
}
