using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Configuration;
using Flannel.Core.Routes;
using Flannel.Etcd.Registry;
using Flannel.RouteController.Planning;
using Flanneld.Backends;
using Flanneld.Host.Interfaces;
using Flanneld.Options;

namespace Flanneld.Commands.Check;

/// <summary><c>flanneld check</c>: a preflight for whoever just built the VPC, or wonders why a node is not ready. It needs no daemon, and changes nothing.</summary>
internal sealed class Check(DaemonOptions options, Connections connections, TimeProvider time)
{
    private readonly CheckReport report = new();

    /// <summary>Null when nothing is wrong; else how much is.</summary>
    public async Task<string?> RunAsync(CancellationToken cancellation)
    {
        foreach (var line in options.Warnings) report.Add(CheckResult.Warning("options", line, ""));
        var selected = Interface();
        Forwarding();
        Password();
        var etcd = new EtcdCheck(options, connections, report);
        var state = await etcd.RunAsync(selected, cancellation);
        var config = state?.Config is ConfigState.Present { Config: var present } && NodeBackend.Refusal(present) is null ? present : null;
        if (config is null || NodeBackend.NeedsRoutes(config))
        {
            var cluster = state is not null ? await etcd.ControllerAsync(cancellation) : null;
            await CloudAsync(selected, config, state, cluster, cancellation);
        }
        else
        {
            report.Add(CheckResult.Note("cloud", $"not asked: backend {config.BackendType} has no routes"));
        }

        await Console.Out.WriteAsync(options.Output == OutputFormat.Json ? report.ToJson() : report.ToTable());
        return report.Problems == 0 ? null : $"{report.Problems} {(report.Problems == 1 ? "problem" : "problems")}, see above";
    }

    private SelectedInterface? Interface()
    {
        if (InterfaceSelection.OfThisHost().Select(options, out var error) is not { } selected)
        {
            report.Add(CheckResult.Problem("interface", error, "choose one with --iface"));
            return null;
        }

        report.Add(CheckResult.Ok("interface", $"{selected.Interface.Name} {selected.Address}, MTU {selected.Interface.Mtu}, public address {selected.PublicIp}"));
        return selected;
    }

    private void Password()
    {
        if (options.IsPasswordOnCommandLine)
            report.Add(CheckResult.Warning("etcd password", "is on the command line, where every user of this host sees it", "use --etcd-password-file"));
    }

    private void Forwarding()
    {
        const string path = "/proc/sys/net/ipv4/ip_forward";
        try
        {
            report.Add(File.ReadAllText(path).Trim() == "1"
                ? CheckResult.Ok("forwarding", "net.ipv4.ip_forward is 1")
                : CheckResult.Warning("forwarding", "net.ipv4.ip_forward is 0: this node passes on no packet of a container", "sysctl -w net.ipv4.ip_forward=1, and a file in /etc/sysctl.d (Docker and most CNI set-ups do it)"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            report.Add(CheckResult.Note("forwarding", $"{path} cannot be read"));
        }
    }

    private async Task CloudAsync(
        SelectedInterface? selected, NetworkConfig? config, RegistryState? state, ClusterId? cluster, CancellationToken cancellation)
    {
        var identity = await IdentityAsync(selected, cancellation);
        if (!options.MayControlRoutes)
        {
            report.Add(CheckResult.Note("credentials", "none are needed, and the cloud's API is not asked: --route-controller=never"));
        }
        else
        {
            var backend = config is null ? AliVpcBackendConfig.Empty : Connections.Backend(config);
            using var cloud = connections.OpenCloud(backend);
            var check = new CloudCheck(report, time) { Cluster = cluster };
            if (identity is null)
            {
                await check.CredentialsAsync(cloud, backend.Role, cancellation);
                report.Add(CheckResult.Note("cloud", "endpoints, rights, route table, quota and ranges are not looked at: this node's place in the cloud is not known"));
            }
            else
            {
                await check.RunAsync(cloud, backend, AliVpcBackendData.Of(identity), config, state?.ToSnapshot(), cancellation);
            }
        }

        report.Add(CheckResult.Note("security group", $"not looked at: let that of the instances accept {config?.Network.ToString() ?? "the containers' network"} from each other"));
    }

    /// <summary>Whether it answers at all, where nothing else can be asked of it.</summary>
    private async Task MetadataAsync(CancellationToken cancellation) => report.Add(
        await connections.Metadata.GetAsync("meta-data/instance-id", cancellation) switch
        {
            MetadataResult.Found =>
                CheckResult.Ok("metadata", $"{connections.Metadata.Endpoint} answers, {connections.Metadata.Mode}"),
            MetadataResult.Unreachable unreachable => Unreachable(unreachable.Line),
            MetadataResult.Refused refused => Unreachable(refused.Line),
            _ => NoInstance($"{connections.Metadata.Endpoint} tells no instance id"),
        });

    private static CheckResult Unreachable(string line) => CheckResult.Problem("metadata", line, "let this host reach it without a proxy and without a firewall rule in the way");

    private static CheckResult NoInstance(string line) => CheckResult.Problem("metadata", line, "backend ali-vpc works on ECS instances only");

    private async Task<InstanceIdentity?> IdentityAsync(SelectedInterface? selected, CancellationToken cancellation)
    {
        if (selected is null)
        {
            await MetadataAsync(cancellation);
            return null;
        }

        switch (await new InstanceIdentityReader(connections.Metadata).ReadAsync(selected.Interface.Mac, cancellation))
        {
            case InstanceIdentityResult.Identity { Value: var identity }:
                report.Add(CheckResult.Ok("metadata", $"{connections.Metadata.Endpoint} answers, {connections.Metadata.Mode}"));
                report.Add(CheckResult.Ok("identity",
                    $"{identity.InstanceId} in {identity.ZoneId}, {identity.VpcId}, {identity.VSwitchId}, {identity.NetworkInterfaceId} ({(identity.PrimaryInterface ? "primary" : "secondary")})"));
                return identity;
            case InstanceIdentityResult.NoSuchInterface none:
                report.Add(CheckResult.Problem("identity", none.Line, "choose another interface with --iface"));
                return null;
            case InstanceIdentityResult.NotAnEcsInstance not:
                report.Add(NoInstance(not.Line));
                return null;
            case InstanceIdentityResult.Unreachable unreachable:
                report.Add(Unreachable(unreachable.Line));
                return null;
            default:
                return null;
        }
    }
}
