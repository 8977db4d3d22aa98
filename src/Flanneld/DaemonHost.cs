using System.Globalization;
using System.Net;
using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.HostNetwork;
using Flannel.HostNetwork.Firewall;
using Flannel.HostNetwork.Vxlan;
using Flanneld.Clients;
using Flanneld.Commands;
using Flanneld.Controller;
using Flanneld.Host;
using Flanneld.Host.Interfaces;
using Flanneld.Node;
using Flanneld.Observability;
using Flanneld.Options;
using Microsoft.Extensions.Logging;

namespace Flanneld;

/// <summary>The composition root: builds the parts of the daemon, runs them, and disposes them in order.</summary>
internal sealed class DaemonHost(DaemonOptions options, ClientContext context) : IAsyncDisposable
{
    private readonly long startTimestamp = context.Time.GetTimestamp();
    private readonly DateTimeOffset started = context.Time.GetUtcNow();
    private readonly ILogger logger = context.Loggers.CreateLogger("flanneld");
    private readonly ILogger nodeLogger = context.Loggers.CreateLogger("node");
    private readonly DaemonMetrics metrics = context.Metrics;

    // By the clock of the timers: a loop is not stuck because the machine was suspended.
    private readonly LivenessMonitor loops = new(TimeProvider.System);
    private readonly Stack<IDisposable> owned = new();

    /// <summary>Receives the parts that can describe their state.</summary>
    public StateDump State { get; init; } = new();

    /// <summary>Runs until <paramref name="shutdown"/>, or until the daemon cannot continue.</summary>
    public async Task<Result<Unit>> RunAsync(CancellationToken shutdown)
    {
        LogStart();
        State.Add("process", () => [ProcessState.Describe(options, context.Time.GetElapsedTime(startTimestamp))]);
        // A dry run may run concurrently with a daemon that has the same settings.
        if (!options.DryRun && LockSubnetFile() is { Ok: false } busy) return busy;
        var opened = Connections.Open(options, context);
        if (!opened.Ok) return Result.Failure(opened.Error);
        var connections = Own(opened.Value);
        var systemd = Own(new SystemdNotifier(context.Environment.GetValueOrDefault("NOTIFY_SOCKET")));

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(shutdown);
        var tasks = new BackgroundTasks(shutdown);
        try
        {
            return options.DryRun
                ? await new DryRun(connections, context.Loggers.CreateLogger("routes")).RunAsync(ending.Token)
                : await RunNodeAsync(connections, systemd, tasks, ending.Token);
        }
        catch (OperationCanceledException) when (shutdown.IsCancellationRequested)
        {
            systemd.Stopping("stopping; the lease is kept");
            return Unit.Instance;
        }
        finally
        {
            await ending.CancelAsync();
            await tasks.WhenAllEndedAsync();
            if (shutdown.IsCancellationRequested) HostLog.Stopped(logger);
        }
    }

    public ValueTask DisposeAsync()
    {
        while (owned.TryPop(out var part)) part.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<Result<Unit>> RunNodeAsync(
        Connections connections, SystemdNotifier systemd, BackgroundTasks tasks, CancellationToken cancellation)
    {
        var storeName = connections.Subnets.Name;
        var readiness = new NodeReadiness(storeName, systemd, metrics.Controller, context.Time, startTimestamp, nodeLogger);
        State.Add("node", () => NodeStatus.Describe(readiness.State, metrics.Controller.IsController));
        State.Add(storeName, connections.Store.DescribeConnections);
        State.Add("controller", () => ControllerStatus.Describe(metrics.Controller.Snapshot));
        State.Add("loop", loops.Describe);
        var listening = StartHealthServer(new NodeHealth(readiness, metrics, loops, started), tasks, cancellation);
        if (!listening.Ok) return listening;
        systemd.Status($"waiting for {connections.Store.Description}");
        var identifying = connections.Store.IdentifyNodeAsync(cancellation);
        if (!identifying.IsCompleted) readiness.Apply(new NodeEvent.Waiting($"waiting for {connections.Store.Description}"));
        var identified = await identifying;
        if (!identified.Ok) return Result.Failure(identified.Error);
        var given = new PublicAddresses(
            identified.Value.PublicIp ?? options.PublicIp, identified.Value.PublicIpv6 ?? options.PublicIpv6);
        var interfaces = HostInterface.ReadAll();
        var selection = InterfaceSelection.Among(interfaces).Select(options, given);
        if (!selection.Ok) return Result.Failure(selection.Error);
        var selected = selection.Value;
        NodeLog.Interface(nodeLogger, selected.Interface.Name, selected.Address, selected.Interface.Mtu, selected.PublicIp);
        var kernel = new KernelSettings();
        var settings = new HostSettings(kernel, metrics.Repairs.KernelSettings, logger)
            .Apply(options.SetSysctls, HostSettings.FindProblems(kernel, selected));
        if (!settings.Ok) return settings;
        if (options.Mtu is null) tasks.Add("the monitor of the MTU", MonitorMtuAsync(selected.Interface, cancellation));

        var identity = new NodeIdentity(
            new InstanceIdentityReader(connections.Metadata), selected.Interface.Mac, context.Time, context.Random, nodeLogger,
            cancellation);
        identity.Start();
        var candidates = new CandidateFactory(
            new ControllerSettings(selected.PublicIp, options.RouteResync), connections.Store.CreateControllerStore(),
            connections.OpenCloud, new ControllerMonitoring(metrics.Controller, loops, context.Loggers), context.Time, context.Random);
        systemd.Status($"waiting for {connections.Store.Description}");
        var node = Own(new NodeLifecycle(
            CreateSettings(selected, given.V6, interfaces),
            CreateNodeHost(readiness, systemd),
            new NodeServices(connections.Store.CreateSubnetManager(loops), identity, candidates, context.Loggers, context.Time)
            {
                Random = context.Random,
            },
            tasks)
        {
            OnConfigMissing = () => tasks.Add(
                "the search for a misplaced configuration", ReportMisplacedConfigAsync(connections, cancellation)),
            OnHeld = () => tasks.Add(
                "the release of memory",
                new MemoryRelease(metrics.Controller.Passes, context.Time).RunAsync(readiness.Ready, cancellation)),
        });
        State.Add("candidate", node.DescribeCandidate);
        return Result.Failure(await node.RunAsync(cancellation));
    }

    private Task MonitorMtuAsync(HostInterface selected, CancellationToken cancellation) =>
        MtuMonitor.OfThisHost(selected, context.Time, logger).RunAsync(cancellation);

    private NodeHost CreateNodeHost(NodeReadiness readiness, SystemdNotifier systemd)
    {
        var lastSubnet = new LastSubnetFile(options.SubnetFile, context.Environment.GetValueOrDefault("STATE_DIRECTORY"));
        ISubnetFile file = new SubnetFile(options.SubnetFile);
        var conflist = options.InstallCni is { } directory ? new ConflistFile(directory, options.InstallCniConf, nodeLogger) : null;
        if (conflist is not null) file = new ConflistSubnetFile(file, conflist);
        return new NodeHost(file, lastSubnet, readiness, systemd, loops) { Conflist = conflist, Repairs = metrics.Repairs };
    }

    private NodeSettings CreateSettings(SelectedInterface selected, IpAddress? publicIpv6, IReadOnlyList<HostInterface> interfaces) =>
        new(selected.PublicIp, selected.Interface.Mtu)
        {
            ContainerMtu = options.Mtu,
            PublicIpv6 = publicIpv6,
            InterfaceName = selected.Interface.Name,
            InterfaceAddress = selected.Address,
            InterfaceIpv6Address = selected.Ipv6Address,
            SetSysctls = options.SetSysctls,
            TunnelDevices = [.. interfaces.Select(device => device.Name).Where(VxlanDevice.IsName)],
            Firewall = CreateFirewallSettings(),
            MayControlRoutes = options.MayControlRoutes,
            WatchdogInterval = ReadWatchdogInterval(),
        };

    private FirewallSettings CreateFirewallSettings() =>
        new(FirewallPrograms.OfThisHost())
        {
            Masquerades = options.IpMasq,
            IsFullyRandom = options.IsIpMasqFullyRandom,
            Excluded = options.IpMasqExclude,
            Forwarding = options.IptablesForwardRules switch
            {
                true => ForwardingMode.Required,
                false => ForwardingMode.Off,
                null => ForwardingMode.IfPermitted,
            },
            Resync = options.IptablesResync,
        };

    private void LogStart()
    {
        var controller = options.MayControlRoutes ? "auto" : "never";
        if (options.IsKubeSubnetManager)
            HostLog.StartingWithKubernetes(logger, ProgramVersion.Text, options.DescribeKubeAccess(), options.NetConfigPath, controller);
        else
            HostLog.Starting(logger, ProgramVersion.Text, options.EtcdEndpoints, options.EtcdKeys.Prefix, controller);
        if (options.IsPasswordOnCommandLine) HostLog.PasswordOnCommandLine(logger);
        foreach (var line in options.Warnings) HostLog.OptionWarning(logger, line);
    }

    /// <summary>Locks the subnet file for the life of this daemon. Fails when another process holds the lock.</summary>
    private Result<Unit> LockSubnetFile()
    {
        switch (SubnetFileLock.Take(options.SubnetFile))
        {
            case LockResult.Taken taken:
                Own(taken.Lock);
                break;
            case LockResult.Busy busy:
                return Result.Failure(
                    $"{busy.Holder} runs on this host with the subnet file {Redaction.Path(options.SubnetFile)}:"
                    + " stop it first, or use another --subnet-file");
            case LockResult.Unavailable unavailable:
                HostLog.NotLocked(logger, unavailable.Reason);
                break;
        }

        return Unit.Instance;
    }

    private async Task ReportMisplacedConfigAsync(Connections connections, CancellationToken cancellation)
    {
        if (await connections.Store.FindMisplacedConfigAsync(cancellation) is { } place)
            NodeLog.ConfigMisplaced(nodeLogger, place, connections.Subnets.ConfigLocation);
    }

    private Result<Unit> StartHealthServer(IHealth health, BackgroundTasks tasks, CancellationToken cancellation)
    {
        if (options.HealthzPort == 0) return Unit.Instance;
        var server = new HealthServer(health, context.Time, logger);
        var listener = server.Listen(new IPEndPoint(options.HealthzIp, options.HealthzPort));
        if (!listener.Ok) return Result.Failure(listener.Error);
        tasks.Add("the health server", server.RunAsync(Own(listener.Value), cancellation));
        return Unit.Instance;
    }

    /// <summary>A third of systemd's limit, so that one late keep-alive does not restart the service. Null without a watchdog.</summary>
    private TimeSpan? ReadWatchdogInterval()
    {
        const int keepAlivesPerLimit = 3;
        var text = context.Environment.GetValueOrDefault("WATCHDOG_USEC");
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds) && microseconds > 0
            ? TimeSpan.FromMicroseconds(microseconds / keepAlivesPerLimit)
            : null;
    }

    private T Own<T>(T part) where T : IDisposable
    {
        owned.Push(part);
        return part;
    }
}
