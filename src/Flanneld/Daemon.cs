using System.Globalization;
using System.Net;
using Flannel.AliVpc;
using Flannel.AliVpc.Control;
using Flannel.AliVpc.Metadata;
using Flannel.Core;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Etcd;
using Flannel.Etcd.Connection;
using Flannel.Etcd.Control;
using Flannel.Etcd.Leasing;
using Flanneld.Host;
using Flanneld.Interfaces;
using Flanneld.Node;
using Flanneld.Options;
using Microsoft.Extensions.Logging;

namespace Flanneld;

/// <summary>The composition root: builds the parts, runs the node and, beside it, the candidate for route controller, and takes them down in order.</summary>
internal sealed class Daemon : IAsyncDisposable
{
    // Long enough after the start for its garbage to be garbage.
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(3);

    private readonly DaemonOptions options;
    private readonly IReadOnlyDictionary<string, string> environment;
    private readonly ILoggerFactory loggers;
    private readonly TimeProvider time;
    private readonly Random random;
    private readonly long startedAt;
    private readonly ILogger logger;
    private readonly ControllerMetrics controllerMetrics;
    private readonly LoopWatch loops;
    private readonly NodeHealth health;
    private readonly SystemdNotifier systemd;
    private readonly Stack<IDisposable> owned = new();

    public Daemon(
        DaemonOptions options, IReadOnlyDictionary<string, string> environment, ILoggerFactory loggers, TimeProvider time, Random random)
    {
        (this.options, this.environment, this.loggers, this.time, this.random) = (options, environment, loggers, time, random);
        startedAt = time.GetTimestamp();
        logger = loggers.CreateLogger("flanneld");
        controllerMetrics = new ControllerMetrics();
        // By the clock of its timers: a loop does not hang because the machine was suspended.
        loops = new LoopWatch(TimeProvider.System);
        health = new NodeHealth(controllerMetrics, time, loops);
        systemd = new SystemdNotifier(environment.GetValueOrDefault("NOTIFY_SOCKET"));
    }

    /// <summary>Runs until stopped. Null when it ended as asked; else one line that says why it could not go on.</summary>
    public async Task<string?> RunAsync(CancellationToken stop)
    {
        HostLog.Starting(logger, ProgramVersion.Text, options.EtcdEndpoints, options.EtcdKeys.Prefix, options.MayControlRoutes ? "auto" : "never");
        if (options.IsPasswordOnCommandLine) HostLog.PasswordOnCommandLine(logger);
        foreach (var line in options.Warnings) HostLog.OptionWarning(logger, line);
        if (!options.DryRun && LockError() is { } busy) return busy;
        if (Connections.Open(options, environment, loggers, time, random, out var error) is not { } opened) return error;
        var connections = Own(opened);

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var parts = new DaemonParts(stop);
        try
        {
            // A daemon may run beside it, with the port that the same settings name.
            if (options.DryRun) return await DryRunAsync(connections, ending.Token).ConfigureAwait(false);
            if (StartHealth(parts, ending.Token) is { } healthError) return healthError;
            return await NodeAsync(connections, parts, ending.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            systemd.Stopping("stopping; the lease is kept");
            return null;
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await parts.EndAsync().ConfigureAwait(false);
            if (stop.IsCancellationRequested) HostLog.Stopped(logger);
        }
    }

    public ValueTask DisposeAsync()
    {
        while (owned.TryPop(out var part)) part.Dispose();
        systemd.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<string?> NodeAsync(Connections connections, DaemonParts parts, CancellationToken cancellation)
    {
        var nodeLogger = loggers.CreateLogger("node");
        if (InterfaceSelection.OfThisHost().Select(options, out var interfaceError) is not { } selected) return interfaceError;
        NodeLog.Interface(nodeLogger, selected.Interface.Name, selected.Address, selected.Interface.Mtu, selected.PublicIp);

        var subnetFile = new SubnetFile(options.SubnetFile);
        var former = new FormerSubnet(subnetFile, nodeLogger);
        var identity = new NodeIdentity(new InstanceIdentityReader(connections.Metadata), selected.Interface.Mac, time, random, nodeLogger, cancellation);
        identity.Start();
        var lastSubnet = new LastSubnetFile(options.SubnetFile, environment.GetValueOrDefault("STATE_DIRECTORY"));
        var address = new NodeAddress(selected.PublicIp, options.PublicIpv6, former.ReadSubnet() ?? lastSubnet.Read());
        var leasing = new NodeLeasing(
            connections.Registry, options.EtcdKeys, address, identity, former, Waiting, time, nodeLogger,
            onConfigMissing: () =>
                parts.Add("the search in etcd's v2 store", ReportConfigInV2StoreAsync(connections, nodeLogger, cancellation)));
        systemd.Status($"waiting for etcd at {options.EtcdEndpoints}");
        var result = await leasing.TakeAsync(cancellation).ConfigureAwait(false);
        if (result is not LeasingResult.Held { Lease: var held, Identity: var self }) return ((LeasingResult.Failed)result).Reason;

        if (lastSubnet.Write(held.Lease.Subnet) is FileResult.Failed failed)
            NodeLog.SubnetNotRemembered(nodeLogger, held.Lease.Subnet, failed.Error);
        var subnetEnv = new SubnetEnv(held.Config.Network, held.Lease.Subnet, selected.Interface.Mtu, options.IpMasq);
        var masquerade = options.IpMasq ? new Masquerade(held.Config.Network, held.Lease.Subnet, time) : null;
        var reconciler = new SubnetFileReconciler(subnetFile, subnetEnv, time, nodeLogger);
        var readiness = new NodeReadiness(held, self?.InstanceId, reconciler, masquerade, health, systemd, time, startedAt, nodeLogger);
        if (masquerade is not null) parts.Add(
            "the upkeep of --ip-masq", masquerade.KeepAsync(problem => NodeLog.FileTrouble(nodeLogger, problem), cancellation));
        var candidate = self is not null && options.MayControlRoutes ? Candidate(connections, held, self, selected) : null;
        if (candidate is not null) parts.Add("the candidate for route controller", StandAsync(candidate, readiness.Settled, cancellation));
        parts.Add("the collection after start-up", GiveBackMemoryAsync(cancellation));

        var keeper = new LeaseKeeper(connections.Etcd, options.EtcdKeys, held, options.RenewMargin, time, random, loggers.CreateLogger("etcd"), loops: loops);
        var loop = new NodeLoop(
            readiness, new ConfigChanges(held, nodeLogger), health, self?.InstanceId, () => candidate is null ? "--route-controller=never" : candidate.Obstacle,
            systemd, loops, WatchdogPulse(), time, nodeLogger);
        var life = loop.RunAsync(keeper, cancellation);
        return await parts.FirstEndAsync(life).ConfigureAwait(false);
    }

    /// <summary>Takes the lock on the subnet file for the life of this daemon. Null, or who has it.</summary>
    private string? LockError()
    {
        switch (SubnetFileLock.Take(options.SubnetFile))
        {
            case LockResult.Taken taken:
                Own(taken.Lock);
                return null;
            case LockResult.Busy busy:
                return $"{busy.Holder} runs on this host with the subnet file {options.SubnetFile}:"
                    + " stop it first, or give this one another --subnet-file";
            case LockResult.Unavailable unavailable:
                HostLog.NotLocked(logger, unavailable.Reason);
                return null;
            default:
                return null;
        }
    }

    private void Waiting(string what)
    {
        health.NoLease(what);
        systemd.Status(what);
    }

    private async Task ReportConfigInV2StoreAsync(Connections connections, ILogger nodeLogger, CancellationToken cancellation)
    {
        if (await connections.FindConfigInV2StoreAsync(cancellation).ConfigureAwait(false) is { } endpoint)
            NodeLog.ConfigInV2Store(nodeLogger, endpoint, options.EtcdKeys.Config.ToStringUtf8());
    }

    /// <summary>A restart whose route is in place is ready before it stands for election, and without a call to the cloud's API.</summary>
    private static async Task StandAsync(ControllerCandidate candidate, Task settled, CancellationToken cancellation)
    {
        await settled.WaitAsync(cancellation).ConfigureAwait(false);
        await candidate.RunAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>The start leaves garbage that would otherwise stay resident until a collection that an idle daemon may not see for days.</summary>
    private async Task GiveBackMemoryAsync(CancellationToken cancellation)
    {
        await Task.Delay(Settled, time, cancellation).ConfigureAwait(false);
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    private ControllerCandidate Candidate(Connections connections, HeldLease held, InstanceIdentity self, SelectedInterface selected)
    {
        var backend = Connections.Backend(held.Config);
        var cloud = Own(connections.OpenCloud(backend));
        var etcd = connections.Etcd;
        var etcdLogger = loggers.CreateLogger("etcd");
        var election = new Election(
            etcd, options.EtcdKeys, new ControllerHolder(self.InstanceId, selected.PublicIp.ToString()), time, random, etcdLogger);
        return new ControllerCandidate(
            cloud, self.ToBackendData(), election, () => new LeaseFollower(etcd, options.EtcdKeys, time, random, etcdLogger), options.EtcdKeys, ControllerOptions(backend),
            controllerMetrics, loops, time, random, loggers.CreateLogger("routes"));
    }

    /// <summary>Prints what a controller would do, and ends.</summary>
    private async Task<string?> DryRunAsync(Connections connections, CancellationToken cancellation)
    {
        RegistryState state;
        ClusterIdResult cluster;
        try
        {
            state = await connections.Registry.ReadAsync(cancellation).ConfigureAwait(false);
            cluster = await ClusterStore.ReadAsync(connections.Etcd, options.EtcdKeys, cancellation).ConfigureAwait(false);
        }
        catch (EtcdException e)
        {
            return $"etcd: {e.Message}";
        }

        if (NodeBackend.Unusable(state.Config, options.EtcdKeys) is { } unusable) return unusable;
        var config = ((ConfigState.Present)state.Config).Config;
        var backend = Connections.Backend(config);
        using var cloud = connections.OpenCloud(backend);
        var plan = await RouteDryRun.RunAsync(
                state.ToSnapshot(), (cluster as ClusterIdResult.Known)?.Id, ControllerOptions(backend), cloud.Api, loggers.CreateLogger("routes"), cancellation)
            .ConfigureAwait(false);
        await Console.Out.WriteAsync(plan.Text).ConfigureAwait(false);
        return plan.Complete ? null : "the plan is not complete: something could not be read, see above";
    }

    private RouteControllerOptions ControllerOptions(AliVpcBackendConfig backend) =>
        new(backend.RouteTableIds) { Resync = options.RouteResync };

    private string? StartHealth(DaemonParts parts, CancellationToken cancellation)
    {
        if (options.HealthzPort == 0) return null;
        var server = new HealthServer(health, time, logger);
        if (server.Listen(new IPEndPoint(options.HealthzIp, options.HealthzPort), out var error) is not { } listener) return error;
        parts.Add("the health server", server.RunAsync(Own(listener), cancellation));
        return null;
    }

    /// <summary>A third of what systemd allows, so that one late pulse is not an end.</summary>
    private TimeSpan? WatchdogPulse() =>
        long.TryParse(environment.GetValueOrDefault("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds) && microseconds > 0
            ? TimeSpan.FromMicroseconds(microseconds / 3)
            : null;

    private T Own<T>(T part) where T : IDisposable
    {
        owned.Push(part);
        return part;
    }
}
