using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.HostNetwork;
using Flannel.HostNetwork.Firewall;
using Flannel.HostNetwork.Vxlan;
using Flannel.RouteController.Planning;
using Flanneld.Backends;
using Flanneld.Clients;
using Flanneld.Commands.Check.Facts;
using Flanneld.Commands.Output;
using Flanneld.Host;
using Flanneld.Host.Interfaces;
using Flanneld.Options;

namespace Flanneld.Commands.Check;

/// <summary><c>flanneld check</c>: checks everything that a node needs, before the daemon's first start or when a node is not ready. It
/// needs no daemon, and changes nothing. Each part has a time limit; parts that do not depend on each other run side by side.</summary>
internal sealed class CheckCommand(DaemonOptions options, Connections connections, ClientContext context)
{
    private readonly CheckReport report = new();
    private readonly IStoreCheck store = connections.Store switch
    {
        EtcdClusterStore etcd => new EtcdStoreCheck(options, etcd),
        KubernetesClusterStore kubernetes => new KubernetesStoreCheck(options, context.Environment, kubernetes),
        var other => throw new InvalidOperationException($"unexpected {other.GetType()}"),
    };
    private readonly HostFiles files = HostFiles.OfThisHost;

    /// <summary>Runs all checks. Once.</summary>
    public async Task<CheckReport> ReadAsync(CancellationToken cancellation)
    {
        AddSettings(report.AddSection());
        var parts = AddParts();
        var selected = await Progress.RunAsync(
            "this host", parts.Host.RunAsync((results, _) => Task.FromResult(CheckHost(results)), cancellation));
        var identifying = parts.Metadata.RunAsync(
            (results, stop) => new MetadataCheck(connections.Metadata, results).RunAsync(selected, stop), cancellation);
        var found = await ReadClusterAsync(parts, selected, identifying, cancellation);
        await CheckNetworkAsync(parts, selected, found, cancellation);
        if (found?.Backend is { RequiresRoute: false } backend)
        {
            parts.Metadata.Section.Discard();
            report.AddSection().Add(CheckResult.Note(CheckKind.Cloud, $"not checked: backend {backend.Type} has no routes"));
        }
        else
        {
            await CheckRoutedAsync(found, await identifying, parts.Controller, cancellation);
        }

        AddSecurityGroup(found);
        return report;
    }

    /// <returns>Success when there is no problem.</returns>
    public async Task<Result<Unit>> RunAsync(CancellationToken cancellation)
    {
        await ReadAsync(cancellation);
        await report.ToDocument().PrintAsync(options);
        if (report.Problems > 0) return Result.Failure($"{Plural.Of(report.Problems, "problem")}, see above");
        var doubtful = report.WarningsAndUnknown;
        if (!options.IsStrict || doubtful == 0) return Unit.Instance;
        var noun = doubtful == 1 ? "warning or unknown result" : "warnings or unknown results";
        return Result.Failure($"{doubtful} {noun}, see above (--strict)");
    }

    /// <summary>The parts that every node has, in the order of the report.</summary>
    private sealed record Parts(
        CheckPart Host, CheckPart Daemons, CheckPart Store, CheckPart Containers, CheckPart Vxlan, CheckPart Controller,
        CheckPart Metadata);

    private Parts AddParts() => new(
        AddPart(CheckKind.Interface, CheckLimits.Host), AddPart(CheckKind.OtherDaemons, CheckLimits.Host),
        AddPart(store.Kind, store.Limit), AddPart(CheckKind.ForwardPolicy, CheckLimits.Docker),
        AddPart(CheckKind.VxlanCommand, CheckLimits.Vxlan), AddPart(CheckKind.RouteController, CheckLimits.RouteController),
        AddPart(CheckKind.Metadata, CheckLimits.Metadata));

    private ClusterCheck CreateClusterCheck(CheckSection results) =>
        new(connections, store, results);

    /// <summary>Reads the cluster's store while the metadata service is asked and other daemons are looked for.</summary>
    /// <returns>Null when etcd could not be read.</returns>
    private async Task<ClusterCheckResult?> ReadClusterAsync(
        Parts parts, SelectedInterface? selected, Task identifying, CancellationToken cancellation)
    {
        var finding = parts.Store.RunAsync(
            (results, stop) => CreateClusterCheck(results).RunAsync(selected, stop), cancellation);
        var looking = parts.Daemons.RunAsync(
            async (results, stop) =>
            {
                await new DaemonCheck(options, results).RunAsync(stop);
                new OtherDaemonsCheck(files, options, results).Run();
            },
            cancellation);
        await Progress.RunAsync($"{connections.Subnets.Name} and the metadata service", Task.WhenAll(finding, identifying, looking));
        var found = await finding;
        if (selected is not null && found is { Backend: not null, State.Config: ConfigState.Present { Config.Ipv6: not null } })
            new HostCheck(options, files, parts.Host.Section).CheckIpv6(selected);
        return found;
    }

    private async Task CheckNetworkAsync(
        Parts parts, SelectedInterface? selected, ClusterCheckResult? found, CancellationToken cancellation)
    {
        var checking = parts.Containers.RunAsync(
            (results, stop) => CheckContainersAsync(results, selected, found, stop), cancellation);
        var tunnel = found?.Backend?.Tunnel is { } config
            ? parts.Vxlan.RunAsync((results, stop) => CheckVxlanAsync(results, config, selected, found, stop), cancellation)
            : Task.CompletedTask;
        await Progress.RunAsync("the firewall and Docker", Task.WhenAll(checking, tunnel));
    }

    private CheckPart AddPart(CheckKind kind, TimeSpan limit) => new(kind, limit, report.AddSection(), context.Time);

    private void AddSettings(CheckSection results)
    {
        if (options.Sources.Count > 0) results.Add(CheckResult.Note(CheckKind.Settings, DescribeSources()));
        foreach (var line in options.Warnings) results.Add(CheckResult.Warning(CheckKind.Options, line, ""));
    }

    /// <summary>Such as <c>3 from /etc/default/flanneld, 1 from the command line</c>.</summary>
    private string DescribeSources() => string.Join(", ", options.Sources.DistinctBy(source => source.Name)
        .CountBy(source => source.Source).Select(counted => $"{counted.Value} from {counted.Key}"));

    private SelectedInterface? CheckHost(CheckSection results) => new HostCheck(options, files, results).Run();

    /// <summary>What carries the containers' packets on this host: bridges, firewall, Docker.</summary>
    private async Task CheckContainersAsync(
        CheckSection results, SelectedInterface? selected, ClusterCheckResult? found, CancellationToken cancellation)
    {
        var interfaces = HostInterface.ReadAll();
        var subnet = PublishedSubnet.Read(files, options.SubnetFile);
        if (found?.Backend is { } backend)
        {
            var own = backend.Tunnel is { } tunnel ? VxlanDevice.NameOf(tunnel.Vni) : null;
            OtherDaemonsCheck.CheckDevices(interfaces, own, results);
        }

        if (selected is not null) new MtuCheck(options, selected, results).CheckContainers(subnet, found?.Backend, interfaces);
        var programs = FirewallPrograms.OfThisHost();
        var rules = await ForwardTrace.ReadAsync(programs, context.Time, cancellation);
        var bridge = interfaces.FirstOrDefault(each => each.Name == ContainerBridge.Docker)?.Name;
        if (selected is not null) await CheckForwardingAsync();
        var docker = await DockerHost.ReadAsync(files, ProgramFolders.OfThisHost(), interfaces, cancellation);
        if (docker is not null) new DockerCheck(docker, subnet, results).Run(rules);

        async Task CheckForwardingAsync()
        {
            var check = new ForwardCheck(subnet, results);
            if (programs.Find(ForwardTrace.Program) is null)
                results.Add(CheckResult.Note(CheckKind.ForwardPolicy, $"not checked: {ForwardTrace.Program} is not installed"));
            else
                check.Run(rules, selected.Interface.Name, bridge);
            // Fails without the permission that the former needs, too.
            check.CheckOtherChains(await NftForwardChain.ReadAsync(programs, context.Time, cancellation));
        }
    }

    private Task CheckVxlanAsync(
        CheckSection results, VxlanBackendConfig tunnel, SelectedInterface? selected, ClusterCheckResult found,
        CancellationToken cancellation)
    {
        var fallbackInterface = found.Backend?.HasFallback == true ? selected?.Interface.Name : null;
        return new VxlanCheck(new Iproute2(context.Time), files, results).RunAsync(tunnel, fallbackInterface, cancellation);
    }

    /// <summary>What a backend with routes needs.</summary>
    private async Task CheckRoutedAsync(
        ClusterCheckResult? found, InstanceIdentity? identity, CheckPart controller, CancellationToken cancellation)
    {
        var reading = found is null
            ? Task.FromResult<ClusterId?>(null)
            : controller.RunAsync(
                (results, stop) => CreateClusterCheck(results).CheckControllerAsync(stop), cancellation);
        var id = await Progress.RunAsync($"the route controller in {connections.Subnets.Name}", reading);
        if (!options.MayControlRoutes)
        {
            report.AddSection().Add(CheckResult.Note(
                CheckKind.Credentials, "not needed, and the cloud's API is not checked: --route-controller=never"));
            return;
        }

        var routed = found?.Backend as AliVpcBackend;
        var snapshot = found?.State.ToSnapshot();
        var cluster = new CheckedCluster(routed is null ? null : snapshot?.Config, snapshot, id);
        var backend = routed?.Config ?? AliVpcBackendConfig.Empty;
        using var cloud = connections.OpenCloud(backend);
        var checks = new CloudParts(cloud, backend, options, context, AddPart);
        await checks.RunAsync(identity is null ? null : AliVpcBackendData.Of(identity), cluster, cancellation);
    }

    /// <summary>The API actions that the daemon uses do not return its rules.</summary>
    private void AddSecurityGroup(ClusterCheckResult? found)
    {
        var config = (found?.State.Config as ConfigState.Present)?.Config;
        var tunnel = found?.Backend?.Tunnel is { } vxlan ? $", UDP port {vxlan.Port} between them" : "";
        var ports = connections.Store.Ports;
        var store = ports.Count > 0 ? $", and TCP port {string.Join(" or ", ports)} to the hosts of {connections.Subnets.Name}" : "";
        report.AddSection().Add(CheckResult.Note(
            CheckKind.SecurityGroup,
            $"not checked: the instances' security group must allow {config?.Network.ToString() ?? "the containers' network"}"
            + $" between the instances{tunnel}{store}"));
    }
}

/// <summary>The cluster as it was read from etcd.</summary>
/// <param name="Config">Null without a configuration that this build supports.</param>
/// <param name="Leases">Null when etcd could not be read.</param>
/// <param name="Id">Null before the first route controller.</param>
internal sealed record CheckedCluster(NetworkConfig? Config, LeaseSnapshot? Leases, ClusterId? Id);
