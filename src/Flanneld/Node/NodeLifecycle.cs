using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.HostNetwork;
using Flannel.HostNetwork.Firewall;
using Flannel.HostNetwork.Vxlan;
using Flanneld.Backends;
using Flanneld.Controller;
using Flanneld.Host;
using Flanneld.Vxlan;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>One node's life: acquire the lease, wait for the route, publish the subnet to the host, and keep all of it in agreement. The
/// daemon runs it on real services, the simulation on models.</summary>
/// <param name="tasks">Receives what runs concurrently with the node's loop.</param>
internal sealed class NodeLifecycle(NodeSettings settings, NodeHost host, NodeServices services, BackgroundTasks tasks) : IDisposable
{
    private readonly ILogger nodeLogger = services.Loggers.CreateLogger("node");
    private readonly VxlanNetwork vxlan = new(services.HostCommands, services.KernelSettings);
    private readonly HostLink link = new(settings.InterfaceName, settings.InterfaceAddress, settings.Mtu)
    {
        Ipv6Address = settings.InterfaceIpv6Address,
    };

    private volatile CandidateRun? candidateRun;

    /// <summary>Called each time that there is no configuration.</summary>
    public Action? OnConfigMissing { get; init; }

    /// <summary>Called once when the subnet is held.</summary>
    public Action? OnHeld { get; init; }

    private IControllerCandidate? Candidate => candidateRun?.Candidate;

    /// <summary>Runs until it is cancelled, cannot continue, or a background task ends that must not. Background tasks are monitored from
    /// the start, because the node may wait for its lease for hours.</summary>
    /// <returns>Why it ended, one line.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="BackgroundTaskFailedException">A background task failed.</exception>
    public Task<string> RunAsync(CancellationToken cancellation) => tasks.RunWithAsync(LeaseAndServeAsync(cancellation));

    /// <summary>This node's candidacy for route controller and its credentials, one line each. Thread-safe.</summary>
    public IReadOnlyList<string> DescribeCandidate()
    {
        if (Candidate is not { } created) return ["this node is not a candidate for route controller"];
        var state = created.NotCandidateReason is { } reason ? $"this node is not a candidate for route controller: {reason}"
            : "this node is a candidate for route controller, or waits for an election";
        return [state, $"credentials {created.DescribeCredentials()}"];
    }

    /// <summary>Must be called after all background tasks have ended.</summary>
    public void Dispose() => candidateRun?.Dispose();

    private async Task<string> LeaseAndServeAsync(CancellationToken cancellation)
    {
        if (host.Conflist is { } conflist) ConflistReconciler.RemoveIfOrphaned(conflist, host.SubnetFile);
        var leased = await CreateLeasing(cancellation).LeaseAsync(cancellation);
        if (!leased.Ok) return leased.Error;
        var (held, backend, self) = leased.Value;
        var subnet = held.Lease.Subnet;
        var remembered = host.LastSubnet.Write(subnet, held.Lease.Key.Ipv6Subnet);
        if (!remembered.Ok) NodeLog.SubnetNotRemembered(nodeLogger, subnet, remembered.Error);
        host.Readiness.Apply(new NodeEvent.Acquired(held.Lease, held.Config, held.Expiry?.Remaining(services.Time), self?.InstanceId)
        {
            ConfigRevision = held.ConfigRevision,
            HasFallback = backend.HasFallback,
            // The peers keep the tunnel to a node that was in fallback before its restart.
            IsContinued = held.IsKeyReplaced || (backend.HasFallback && held.WasFound),
        });

        if (backend.Tunnel is null)
        {
            foreach (var device in settings.TunnelDevices) VxlanLog.DeviceLeft(nodeLogger, device);
        }
        else if (backend.HasFallback)
        {
            // No packet is lost with them while a route moves between the VPC and the tunnel.
            var applied = ApplySettings(ContainerSettings.FindFallbackProblems(
                services.KernelSettings, [link.Name, VxlanDevice.NameOf(backend.Tunnel.Vni)]));
            if (!applied.Ok) return applied.Error;
        }

        if (held.Config.Ipv6 is not null)
        {
            var applied = ApplySettings(HostSettings.FindIpv6Problems(services.KernelSettings, link.Name));
            if (!applied.Ok) return applied.Error;
        }

        var reconciler = CreateReconciler(held, backend, cancellation);
        var vacancy = self is not null && backend is AliVpcBackend routed
            ? await StartControllerAsync(routed, self, held.WasFound, cancellation) : null;
        OnHeld?.Invoke();
        tasks.Add("the report of readiness", CreateReadyReport().RunAsync(cancellation));
        return await CreateLoop(leased.Value, reconciler, vacancy).RunAsync(stop => services.Subnets.HoldAsync(held, stop), cancellation);
    }

    private ReadyReport CreateReadyReport() => new(host.Readiness, services.Subnets, services.Time, services.Random, nodeLogger);

    private NodeLeasing CreateLeasing(CancellationToken cancellation)
    {
        var earlierFile = new EarlierSubnetFile(host.SubnetFile, nodeLogger);
        var address = new NodeAddress(settings.PublicIp, settings.PublicIpv6, earlierFile.ReadSubnet() ?? host.LastSubnet.Read())
        {
            InterfaceIpv6 = settings.InterfaceIpv6Address,
            PreviousIpv6Subnet = earlierFile.ReadIpv6Subnet() ?? host.LastSubnet.ReadIpv6(),
        };
        return new NodeLeasing(services.Subnets, address, services.Identity, earlierFile, services.Time, nodeLogger)
        {
            Vxlan = new VxlanPreparation(vxlan, link, services.Random, nodeLogger),
            OnWaiting = reason => host.Readiness.Apply(new NodeEvent.Waiting(reason)),
            OnConfigMissing = OnConfigMissing,
            OnLeasing = (backend, self) =>
            {
                if (settings.MayControlRoutes && candidateRun is null && backend is AliVpcBackend routed)
                    StartCandidate(routed, self, Task.CompletedTask, cancellation);
            },
        };
    }

    private HostReconciler CreateReconciler(HeldLease held, IBackend backend, CancellationToken cancellation)
    {
        var mtu = settings.ContainerMtu ?? backend.MtuFor(settings.Mtu);
        var subnetEnv = new SubnetEnv(held.Config.Network, held.Lease.Subnet, mtu, settings.IpMasq)
        {
            Ipv6 = held.Config.Ipv6 is { } ipv6 && held.Lease.Key.Ipv6Subnet is { } ipv6Subnet
                ? new Ipv6SubnetEnv(ipv6.Network, ipv6Subnet)
                : null,
        };
        var firewall = settings.Firewall is { } desired ? CreateFirewall(desired, held, held.Config.Network, held.Lease.Subnet) : null;
        if (firewall is not null) tasks.Add("the loop of the firewall rules", firewall.KeepAsync(cancellation));
        if (settings.Firewall is { } forIpv6 && subnetEnv.Ipv6 is { } dual)
        {
            var ipv6Firewall = CreateFirewall(forIpv6 with { IsAwaited = false }, held, dual.Network, dual.Subnet);
            tasks.Add("the loop of the IPv6 firewall rules", ipv6Firewall.RunAsync(cancellation));
        }

        var file = new SubnetFileReconciler(host.SubnetFile, subnetEnv, nodeLogger) { Rewrites = host.Repairs.SubnetFile };
        return new HostReconciler(host.Readiness, file, firewall)
        {
            Conflist = host.Conflist is { } conflist ? new ConflistReconciler(conflist, host.SubnetFile, subnetEnv) : null,
            Forwarding = backend.Tunnel is { } tunnel ? StartTunnels(held, backend, tunnel, cancellation) : null,
        };
    }

    private FirewallReconciler CreateFirewall(FirewallSettings desired, HeldLease held, IpNetwork network, IpNetwork subnet)
    {
        var firewall = new HostFirewall(
            desired.CreateRules(network, subnet), held.Config.EnableNfTables, desired.Programs, services.Time)
        {
            FormerNetworks = [.. ReadFormerNetworks().Where(former => former.IsV6 == network.IsV6 || held.Config.Ipv6 is null)],
        };
        return new FirewallReconciler(firewall, desired, network, host.Repairs, services.Time, nodeLogger);
    }

    /// <summary>Those that the file of an earlier run names.</summary>
    private IEnumerable<IpNetwork> ReadFormerNetworks()
    {
        var file = host.SubnetFile.Read() as SubnetFileState.Present;
        if (file?.ReadNetwork() is { } network) yield return network;
        if (file?.ReadIpv6Network() is { } ipv6) yield return ipv6;
    }

    /// <summary>The settings of the kernel that only some configurations need.</summary>
    private Result<Unit> ApplySettings(IReadOnlyList<SettingProblem> problems) =>
        new HostSettings(services.KernelSettings, host.Repairs.KernelSettings, services.Loggers.CreateLogger("flanneld"))
            .Apply(settings.SetSysctls, problems);

    /// <returns>The state of the tunnel of IPv4. That of IPv6 does not decide whether the node is ready.</returns>
    private IForwarding StartTunnels(HeldLease held, IBackend backend, VxlanBackendConfig tunnel, CancellationToken cancellation)
    {
        var leases = new ClusterSnapshots(services.Subnets, backend.HasFallback);
        tasks.Add("the watch of all leases", leases.RunAsync(cancellation));
        if (backend.HasFallback) tasks.Add("the watch of all route statuses", leases.RunStatusesAsync(cancellation));
        var mac = VxlanBackendData.Parse(held.Lease.Attributes.BackendData).Value.VtepMac;
        var device = tunnel.CreateDevice(link.Name, link.Address, link.Mtu, mac);
        var self = new VxlanPeer(held.Lease.Subnet, settings.PublicIp, mac);
        var target = new VxlanTarget(device, held.Config.Network, self, tunnel.DirectRouting) { IsFallback = backend.HasFallback };
        if (backend.HasIpv6Tunnel) StartIpv6Tunnel(held, tunnel, leases, cancellation);
        return StartTunnel(target, leases, cancellation);
    }

    private void StartIpv6Tunnel(HeldLease held, VxlanBackendConfig tunnel, ClusterSnapshots leases, CancellationToken cancellation)
    {
        // The lease was acquired with all of them.
        if (held.Config.Ipv6 is not { } config || held.Lease.Key.Ipv6Subnet is not { } subnet || link.Ipv6Address is not { } local) return;
        if (!IpAddress.TryParse(held.Lease.Attributes.PublicIpv6, out var address)) return;
        var data = VxlanBackendData.Parse(held.Lease.Attributes.BackendV6Data, nameof(held.Lease.Attributes.BackendV6Data));
        if (!data.Ok) return;
        var device = tunnel.CreateDevice(link.Name, local, link.Mtu, data.Value.VtepMac);
        var self = new VxlanPeer(subnet, address, data.Value.VtepMac);
        StartTunnel(new VxlanTarget(device, config.Network, self, tunnel.DirectRouting), leases, cancellation);
    }

    private IForwarding StartTunnel(VxlanTarget target, ClusterSnapshots leases, CancellationToken cancellation)
    {
        var loop = new VxlanLoop(
            new VxlanReconciler(target, vxlan, services.Time), leases,
            new VxlanReport(target.Device, nodeLogger) { Repairs = host.Repairs.Tunnel },
            host.Loops, services.Time);
        tasks.Add($"the VXLAN loop of {target.Device.Name}", loop.RunAsync(cancellation));
        return loop.Forwarding;
    }

    /// <summary>Starts this node's part in the election of the route controller.</summary>
    /// <param name="wasLeaseFound">Whether the lease is that of an earlier run, whose route may exist.</param>
    /// <returns>Explains why none is elected.</returns>
    private async Task<ControllerVacancy> StartControllerAsync(
        AliVpcBackend backend, InstanceIdentity self, bool wasLeaseFound, CancellationToken cancellation)
    {
        if (settings.MayControlRoutes)
        {
            if (candidateRun is { } early && early.Backend != backend)
            {
                // The configuration changed while the subnet was leased.
                await early.StopAsync();
                early.Dispose();
                candidateRun = null;
            }

            // A restart whose route exists is ready before it campaigns, and without a call to the cloud's API.
            (candidateRun ?? StartCandidate(backend, self, wasLeaseFound ? host.Readiness.Settled : Task.CompletedTask, cancellation))
                .SetLeased();
        }

        var vacancy = new ControllerVacancy(services.Subnets, self.InstanceId, settings.MayControlRoutes, services.Time, services.Random);
        tasks.Add(
            "the read of the candidates",
            vacancy.RunAsync(() => host.Readiness.State.IsWaitingForElection, () => Candidate?.NotCandidateReason, cancellation));
        return vacancy;
    }

    /// <param name="before">Completes when the candidate may send requests to the cloud.</param>
    private CandidateRun StartCandidate(AliVpcBackend backend, InstanceIdentity self, Task before, CancellationToken cancellation)
    {
        var run = new CandidateRun(backend, services.Candidates.Create(
            backend, self, () => host.Readiness.State is { IsLeaseHeld: true } state ? state.Lease : null));
        candidateRun = run;
        tasks.Add("the candidate for route controller", run.StartAsync(before, services.Time, cancellation));
        return run;
    }

    private NodeLoop CreateLoop(LeasedSubnet leased, HostReconciler reconciler, ControllerVacancy? vacancy)
    {
        var configChanges = new ConfigChanges(leased, nodeLogger, key => Candidate?.SetAccessKey(key));
        var controllerChanges = new ControllerChanges(
            leased.Backend.RequiresRoute, () => Candidate is { } created ? created.NotCandidateReason : "--route-controller=never",
            nodeLogger);
        var watchdog = new WatchdogKeepAlive(
            host.Systemd, host.Readiness, host.Loops, settings.WatchdogInterval, services.Time, nodeLogger);
        var changes = new ClusterChanges(configChanges, controllerChanges, vacancy);
        return new NodeLoop(host.Readiness, reconciler, changes, watchdog, host.Loops, services.Time);
    }
}
