using Flannel.Core;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.HostNetwork.Vxlan;
using Flannel.RouteController.Planning;
using Flanneld.Backends;
using Flanneld.Clients;
using Flanneld.Commands.Output;
using Flanneld.Host.Interfaces;
using Flanneld.Options;

namespace Flanneld.Commands.Check;

/// <summary><c>flanneld check</c>: checks everything that a node needs, before the daemon's first start or when a node is not ready. It
/// needs no daemon, and changes nothing.</summary>
internal sealed class CheckCommand(DaemonOptions options, Connections connections, TimeProvider time)
{
    private readonly CheckReport report = new();

    /// <returns>Success when there is no problem.</returns>
    public async Task<Result<Unit>> RunAsync(CancellationToken cancellation)
    {
        if (options.Sources.Count > 0) report.Add(CheckResult.Note("settings", DescribeSources()));
        foreach (var line in options.Warnings) report.Add(CheckResult.Warning("options", line, ""));
        var host = new HostCheck(options, report);
        var selected = host.Run();
        var etcd = new EtcdCheck(options, connections, report);
        var found = await etcd.RunAsync(selected, cancellation);
        if (selected is not null && found is { Backend: not null, State.Config: ConfigState.Present { Config.Ipv6: not null } })
            host.CheckIpv6(selected);
        if (found?.Backend?.Tunnel is { } tunnel)
        {
            var fallbackInterface = found.Backend.HasFallback ? selected?.Interface.Name : null;
            await new VxlanCheck(new Iproute2(time), report).RunAsync(tunnel, fallbackInterface, cancellation);
        }

        if (found?.Backend is { RequiresRoute: false } backend)
        {
            report.Add(CheckResult.Note("cloud", $"not checked: backend {backend.Type} has no routes"));
        }
        else
        {
            var id = found is null ? null : await etcd.CheckControllerAsync(cancellation);
            var routed = found?.Backend as AliVpcBackend;
            var snapshot = found?.State.ToSnapshot();
            await CheckCloudAsync(
                selected, new CheckedCluster(routed is null ? null : snapshot?.Config, snapshot, id), routed, cancellation);
        }

        await Console.Out.WriteAsync(options.Output switch
        {
            OutputFormat.Json => report.ToJson(),
            OutputFormat.Yaml => YamlText.Of(report.ToJson()),
            _ => report.ToTable(TextColor.IsEnabled(options.Color)),
        });
        if (report.Problems > 0) return Result.Failure($"{report.Problems} {(report.Problems == 1 ? "problem" : "problems")}, see above");
        var doubtful = report.WarningsAndUnknown;
        if (!options.IsStrict || doubtful == 0) return Unit.Instance;
        var noun = doubtful == 1 ? "warning or unknown result" : "warnings or unknown results";
        return Result.Failure($"{doubtful} {noun}, see above (--strict)");
    }

    /// <summary>Such as <c>3 from /etc/default/flanneld, 1 from the command line</c>.</summary>
    private string DescribeSources() => string.Join(", ", options.Sources.DistinctBy(source => source.Name)
        .CountBy(source => source.Source).Select(counted => $"{counted.Value} from {counted.Key}"));

    private async Task CheckCloudAsync(
        SelectedInterface? selected, CheckedCluster cluster, AliVpcBackend? routed, CancellationToken cancellation)
    {
        var identity = await new MetadataCheck(connections.Metadata, report).RunAsync(selected, cancellation);
        if (!options.MayControlRoutes)
        {
            report.Add(CheckResult.Note("credentials", "not needed, and the cloud's API is not checked: --route-controller=never"));
        }
        else
        {
            var backend = routed?.Config ?? AliVpcBackendConfig.Empty;
            using var cloud = connections.OpenCloud(backend);
            var check = new CloudCheck(cloud, backend, report, time) { IsVerbose = options.Verbosity > 0 };
            if (identity is null)
            {
                await check.CheckCredentialsAsync(cancellation);
                report.Add(CheckResult.Note(
                    "cloud", "endpoints, permissions, route table, quota and ranges are not checked: this instance's identity is unknown"));
            }
            else
            {
                await check.RunAsync(AliVpcBackendData.Of(identity), cluster, cancellation);
            }
        }

        var network = cluster.Config?.Network.ToString() ?? "the containers' network";
        report.Add(CheckResult.Note(
            "security group", $"not checked: the instances' security group must allow {network} between the instances"));
    }
}

/// <summary>The cluster as it was read from etcd.</summary>
/// <param name="Config">Null without a configuration that this build supports.</param>
/// <param name="Leases">Null when etcd could not be read.</param>
/// <param name="Id">Null before the first route controller.</param>
internal sealed record CheckedCluster(NetworkConfig? Config, LeaseSnapshot? Leases, ClusterId? Id);
