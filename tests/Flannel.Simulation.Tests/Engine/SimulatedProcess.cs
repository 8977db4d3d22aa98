using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Http;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flanneld.Clients;
using Flanneld.Controller;
using Flanneld.Host;
using Flanneld.Node;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>One process of <c>flanneld</c>: the real <see cref="NodeLifecycle"/> with the real lease, readiness, subnet file, election and
/// route controller. Only the store of the leases, the cloud's API, the metadata service, time and randomness are simulated.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "a killed process disposes of nothing")]
internal abstract class SimulatedProcess
{
    private static readonly TimeSpan Resync = TimeSpan.FromSeconds(20);
    private const int Mtu = 1500;

    private readonly ISimulatedCluster cluster;
    private readonly ControllerMetrics metrics = new();
    private readonly SystemdNotifier systemd = new(null);
    private readonly NodeReadiness readiness;
    private readonly CancellationTokenSource stop = new();

    protected SimulatedProcess(ISimulatedCluster cluster, Machine machine, int seed, string manager)
    {
        this.cluster = cluster;
        Machine = machine;
        Random = new Random(seed);
        Started = cluster.Scheduler.Now;
        Context = new ProcessContext(cluster.Scheduler);
        Clock = new ProcessClock(cluster.Scheduler, Context, () => machine.WallClockError);
        Loggers = cluster.Scheduler.IsLogging ? new SimulatedLoggers(cluster.Scheduler, machine.Name) : NullLoggerFactory.Instance;
        readiness = new NodeReadiness(manager, systemd, metrics, Clock, Clock.GetTimestamp(), Loggers.CreateLogger("node"));
        Health = new NodeHealth(readiness, new DaemonMetrics { Controller = metrics }, new LivenessMonitor(Clock), Clock.GetUtcNow());
    }

    public Machine Machine { get; }

    public TimeSpan Started { get; }

    public ProcessContext Context { get; }

    public NodeHealth Health { get; }

    public bool IsReady => Health.Checks.All(check => check.Ok);

    /// <summary>Whether its health check says that <c>subnet.env</c> is up to date.</summary>
    public bool Publishes => Health.Checks[^1].Ok;

    /// <summary>The subnet that this process publishes to the host, or null. The file of an earlier process does not count.</summary>
    public Ipv4Network? Subnet => Publishes ? Machine.SubnetInFile : null;

    /// <summary>The published subnet after the last step of the process; null without one.</summary>
    public Ipv4Network? Published { get; set; }

    /// <summary>The connections to the store of the leases.</summary>
    public abstract SimulatedConnection Connection { get; }

    /// <summary>An action of another party on its lease; without one the lease must not be lost.</summary>
    public string? LeaseDisturbance { get; set; }

    /// <summary>The time by which the process must notice that it has lost its subnet; until then it may use it.</summary>
    public TimeSpan? NoticeDeadline { get; set; }

    public bool ActsAsController => metrics.IsController;

    protected Random Random { get; }

    protected ProcessClock Clock { get; }

    protected ILoggerFactory Loggers { get; }

    protected virtual IpAddress? Ipv6Address => null;

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
        Connection.Close();
    }

    protected abstract ISubnetManager CreateSubnetManager(LivenessMonitor loops);

    protected abstract IControllerStore CreateControllerStore();

    private SimulatedCloudAccess OpenCloud() => new(
        new CredentialChain(
            [new SimulatedKey(Machine.HasCredentials)],
            new CloudContext(new CloudApiOptions { ProgramVersion = "simulation" }, Clock, Random, Loggers.CreateLogger("cloud"))),
        new SimulatedCloudApi(cluster, this));

    /// <summary>As <c>DaemonHost</c> does.</summary>
    private async Task<string> RunAsync()
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        var settings = new NodeSettings(Machine.PublicIp, Mtu)
        {
            MayControlRoutes = Machine.MayControl,
            InterfaceIpv6Address = Ipv6Address,
        };
        var loops = new LivenessMonitor(Clock);
        var host = new NodeHost(new SimulatedSubnetFile(this, cluster), Machine.LastSubnet, readiness, systemd, loops);
        var identity = new SimulatedIdentity(Machine, () => Task.Delay(cluster.Scheduler.Between(0.001, 0.05), Clock));
        var candidates = new CandidateFactory(
            new ControllerSettings(Machine.PublicIp, Resync), CreateControllerStore(), _ => OpenCloud(),
            new ControllerMonitoring(metrics, loops, Loggers), Clock, Random);
        var services = new NodeServices(CreateSubnetManager(loops), identity, candidates, Loggers, Clock) { Random = Random };
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
}
