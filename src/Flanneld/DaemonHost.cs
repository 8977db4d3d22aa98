using System.Globalization;
using System.Net;
using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flannel.RouteController;
using Flannel.RouteController.Inventory;
using Flanneld.Backends;
using Flanneld.Host;
using Flanneld.Host.Interfaces;
using Flanneld.Node;
using Flanneld.Observability;
using Flanneld.Options;
using Microsoft.Extensions.Logging;

namespace Flanneld;

/// <summary>The composition root: builds the parts, runs the node and, beside it, the candidate for route controller, and takes them down in order.</summary>
internal sealed class DaemonHost : IAsyncDisposable
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
    private readonly LivenessMonitor loops;
    private readonly NodeHealth health;
    private readonly SystemdNotifier systemd;
    private readonly Stack<IDisposable> owned = new();

    public DaemonHost(
        DaemonOptions options, IReadOnlyDictionary<string, string> environment, ILoggerFactory loggers, TimeProvider time, Random random)
    {
        (this.options, this.environment, this.loggers, this.time, this.random) = (options, environment, loggers, time, random);
        startedAt = time.GetTimestamp();
        logger = loggers.CreateLogger("flanneld");
        controllerMetrics = new ControllerMetrics();
        // By the clock of its timers: a loop does not hang because the machine was suspended.
        loops = new LivenessMonitor(TimeProvider.System);
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
            if (options.DryRun) return await DryRunAsync(connections, ending.Token);
            if (StartHealth(parts, ending.Token) is { } healthError) return healthError;
            return await NodeAsync(connections, parts, ending.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            systemd.Stopping("stopping; the lease is kept");
            return null;
        }
        finally
        {
            await ending.CancelAsync();
            await parts.EndAsync();
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

        var identity = new NodeIdentity(new InstanceIdentityReader(connections.Metadata), selected.Interface.Mac, time, random, nodeLogger, cancellation);
        identity.Start();
        var settings = new NodeSettings(options.EtcdKeys, selected.PublicIp, selected.Interface.Mtu)
        {
            PublicIpv6 = options.PublicIpv6,
            IpMasq = options.IpMasq,
            RenewMargin = options.RenewMargin,
            MayControlRoutes = options.MayControlRoutes,
            RouteResync = options.RouteResync,
            WatchdogInterval = WatchdogPulse(),
        };
        var lastSubnet = new LastSubnetFile(options.SubnetFile, environment.GetValueOrDefault("STATE_DIRECTORY"));
        var host = new NodeHost(new SubnetFile(options.SubnetFile), lastSubnet, health, controllerMetrics, systemd, loops);
        var services = new NodeServices(connections.Etcd, identity, connections.OpenCloud, loggers, time, random);
        systemd.Status($"waiting for etcd at {options.EtcdEndpoints}");
        var node = Own(new NodeLifecycle(settings, host, services, parts, startedAt));
        return await node.RunAsync(
            onConfigMissing: () =>
                parts.Add("the search in etcd's v2 store", ReportConfigInV2StoreAsync(connections, nodeLogger, cancellation)),
            onHeld: () => parts.Add("the collection after start-up", GiveBackMemoryAsync(cancellation)),
            cancellation);
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
                return $"{busy.Holder} runs on this host with the subnet file {Redaction.Path(options.SubnetFile)}:"
                    + " stop it first, or give this one another --subnet-file";
            case LockResult.Unavailable unavailable:
                HostLog.NotLocked(logger, unavailable.Reason);
                return null;
            default:
                return null;
        }
    }

    private async Task ReportConfigInV2StoreAsync(Connections connections, ILogger nodeLogger, CancellationToken cancellation)
    {
        if (await connections.FindConfigInV2StoreAsync(cancellation) is { } endpoint)
            NodeLog.ConfigInV2Store(nodeLogger, endpoint, options.EtcdKeys.Config.ToStringUtf8());
    }

    /// <summary>The start leaves garbage that would otherwise stay resident until a collection that an idle daemon may not see for days.</summary>
    private async Task GiveBackMemoryAsync(CancellationToken cancellation)
    {
        await Task.Delay(Settled, time, cancellation);
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    /// <summary>Prints what a controller would do, and ends.</summary>
    private async Task<string?> DryRunAsync(Connections connections, CancellationToken cancellation)
    {
        RegistryState state;
        ClusterIdResult cluster;
        try
        {
            state = await connections.Registry.ReadAsync(cancellation);
            cluster = await ClusterStore.ReadAsync(connections.Etcd, options.EtcdKeys, cancellation);
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
                state.ToSnapshot(), (cluster as ClusterIdResult.Known)?.Id, new RouteControllerOptions(backend.RouteTableIds), cloud.Api,
                loggers.CreateLogger("routes"), cancellation);
        await Console.Out.WriteAsync(plan.Text);
        return plan.Complete ? null : "the plan is not complete: something could not be read, see above";
    }

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
