using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.Etcd.Election;
using Flannel.Etcd.Registry;
using Flannel.HostNetwork;
using Flannel.RouteController.Planning;
using Flanneld.Controller;
using Flanneld.Host;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>One node's life: leases the subnet, follows the lease and its route, tells the host, and runs the candidate for route
/// controller beside that. The daemon runs it on real services, the simulation on models.</summary>
/// <param name="parts">Where the node adds what runs beside its loop.</param>
/// <param name="startedAt">A timestamp of the process' start.</param>
internal sealed class NodeLifecycle(
    NodeSettings settings, NodeHost host, NodeServices services, DaemonParts parts, long startedAt) : IDisposable
{
    private readonly ILogger nodeLogger = services.Loggers.CreateLogger("node");
    private readonly ILogger etcdLogger = services.Loggers.CreateLogger("etcd");
    private ICloudAccess? cloud;

    /// <summary>Runs until it is cancelled, cannot go on, or a part ends that must not; then one line says why. The parts are watched from
    /// the start: the node may wait for etcd for hours.</summary>
    /// <param name="onConfigMissing">Called when there is no configuration, once for each time.</param>
    /// <param name="onHeld">Called once the subnet is held.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="PartFailedException">A part failed.</exception>
    public Task<string?> RunAsync(Action? onConfigMissing, Action? onHeld, CancellationToken cancellation) =>
        parts.FirstEndAsync(LeaseAndServeAsync(onConfigMissing, onHeld, cancellation));

    private async Task<string?> LeaseAndServeAsync(Action? onConfigMissing, Action? onHeld, CancellationToken cancellation)
    {
        var result = await Leasing(onConfigMissing).TakeAsync(cancellation);
        if (result is not LeasingResult.Held { Lease: var held, Identity: var self }) return ((LeasingResult.Failed)result).Reason;

        if (host.LastSubnet.Write(held.Lease.Subnet) is FileResult.Failed failed)
            NodeLog.SubnetNotRemembered(nodeLogger, held.Lease.Subnet, failed.Error);
        var readiness = Readiness(held, self, cancellation);
        var candidate = self is not null && settings.MayControlRoutes ? Candidate(held, self) : null;
        if (candidate is not null) parts.Add("the candidate for route controller", StandAsync(candidate, readiness.Settled, cancellation));
        onHeld?.Invoke();
        var keeper = new LeaseKeeper(
            services.Etcd, settings.Keys, held, settings.RenewMargin, services.Time, services.Random, etcdLogger, settings.LeaseTime,
            host.Loops);
        var loop = new NodeLoop(
            readiness, new ConfigChanges(held, nodeLogger, key => cloud?.Credentials.SetConfiguredKey(key)), host.Health, self?.InstanceId,
            () => candidate is null ? "--route-controller=never" : candidate.Obstacle, host.Systemd, host.Loops, settings.WatchdogInterval,
            services.Time, nodeLogger);
        return await loop.RunAsync(keeper, cancellation);
    }

    /// <summary>After all parts have ended.</summary>
    public void Dispose() => cloud?.Dispose();

    private NodeLeasing Leasing(Action? onConfigMissing)
    {
        var registry = new SubnetRegistry(services.Etcd, settings.Keys, services.Time, services.Random, etcdLogger, settings.LeaseTime);
        var former = new FormerSubnet(host.SubnetFile, nodeLogger);
        var address = new NodeAddress(settings.PublicIp, settings.PublicIpv6, former.ReadSubnet() ?? host.LastSubnet.Read());
        return new NodeLeasing(registry, settings.Keys, address, services.Identity, former, Waiting, services.Time, nodeLogger,
            onConfigMissing);
    }

    private NodeReadiness Readiness(HeldLease held, InstanceIdentity? self, CancellationToken cancellation)
    {
        var subnetEnv = new SubnetEnv(held.Config.Network, held.Lease.Subnet, settings.Mtu, settings.IpMasq);
        var masquerade = settings.IpMasq ? new Masquerade(held.Config.Network, held.Lease.Subnet, services.Time) : null;
        if (masquerade is not null)
            parts.Add("the upkeep of --ip-masq", masquerade.KeepAsync(problem => NodeLog.FileTrouble(nodeLogger, problem), cancellation));
        var reconciler = new SubnetFileReconciler(host.SubnetFile, subnetEnv, services.Time, nodeLogger);
        return new NodeReadiness(
            held, self?.InstanceId, reconciler, masquerade, host.Health, host.Systemd, services.Time, startedAt, nodeLogger);
    }

    private void Waiting(string what)
    {
        host.Health.NoLease(what);
        host.Systemd.Status(what);
    }

    /// <summary>A restart whose route is in place is ready before it stands for election, and without a call to the cloud's API.</summary>
    private async Task StandAsync(ControllerCandidate candidate, Task settled, CancellationToken cancellation)
    {
        await TaskWait.WaitAsync(settled, Timeout.InfiniteTimeSpan, services.Time, cancellation);
        await candidate.RunAsync(cancellation);
    }

    private ControllerCandidate Candidate(HeldLease held, InstanceIdentity self)
    {
        var backend = Connections.Backend(held.Config);
        cloud = services.OpenCloud(backend);
        var election = new EtcdElection(
            services.Etcd, settings.Keys, new ControllerHolder(self.InstanceId, settings.PublicIp.ToString()), services.Time,
            services.Random, etcdLogger);
        return new ControllerCandidate(
            cloud, AliVpcBackendData.Of(self), election,
            () => new LeaseWatcher(services.Etcd, settings.Keys, services.Time, services.Random, etcdLogger),
            settings.Keys, settings.ControllerOptions(backend), host.ControllerMetrics, host.Loops, services.Time, services.Random,
            services.Loggers.CreateLogger("routes"));
    }
}
