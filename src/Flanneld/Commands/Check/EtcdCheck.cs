using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flanneld.Backends;
using Flanneld.Clients;
using Flanneld.Host.Interfaces;
using Flanneld.Options;

namespace Flanneld.Commands.Check;

/// <summary>Checks etcd, and the configuration and the leases in it.</summary>
internal sealed class EtcdCheck(DaemonOptions options, Connections connections, CheckReport report)
{
    private const string CorrectConfig = "correct it with etcdctl put";

    private readonly string configKey = options.EtcdKeys.Config.ToStringUtf8();

    /// <returns>Null when etcd could not be read.</returns>
    public async Task<SubnetState?> RunAsync(SelectedInterface? selected, CancellationToken cancellation)
    {
        await CheckMembersAsync(cancellation);
        SubnetState state;
        try
        {
            state = await connections.Subnets.ReadAsync(cancellation);
        }
        catch (EtcdException e)
        {
            report.Add(CheckResult.Problem("configuration", $"not read: etcd: {e.Message}", Advice(e.Kind)));
            return null;
        }

        switch (state.Config)
        {
            case ConfigState.Present { Config: var config }:
                CheckConfig(config);
                if (BackendFactory.Create(config).Ok) CheckLeases(state, config, selected);
                break;
            case ConfigState.Invalid invalid:
                report.Add(CheckResult.Problem("configuration", $"{configKey} is invalid: {invalid.Error}", CorrectConfig));
                break;
            default:
                await ReportMissingConfigAsync(cancellation);
                break;
        }

        return state;
    }

    /// <summary>Reports the route controller.</summary>
    /// <returns>The cluster's id; null when there is none, or etcd could not be read.</returns>
    public async Task<ClusterId?> CheckControllerAsync(CancellationToken cancellation)
    {
        try
        {
            var holder = await connections.Subnets.ReadControllerAsync(cancellation);
            report.Add(CheckResult.Note(
                "route controller",
                holder is null ? "none now: no daemon that may write routes runs" : $"{holder.InstanceId} ({holder.PublicIp})"));
            var cluster = await ClusterStore.ReadAsync(connections.Etcd, options.EtcdKeys, cancellation);
            if (cluster is ClusterIdResult.Unreadable)
            {
                report.Add(CheckResult.Problem(
                    "cluster id", $"{options.EtcdKeys.Cluster.ToStringUtf8()} is not the id of a cluster: no route is written",
                    "delete the key; the route controller creates a new id"));
            }

            return (cluster as ClusterIdResult.Known)?.Id;
        }
        catch (EtcdException e)
        {
            report.Add(CheckResult.Warning("route controller", $"not read: etcd: {e.Message}", Advice(e.Kind)));
            return null;
        }
    }

    private void CheckConfig(NetworkConfig config)
    {
        var backend = BackendFactory.Create(config);
        if (!backend.Ok)
        {
            report.Add(CheckResult.Problem("configuration", $"{configKey} is invalid: {backend.Error}", CorrectConfig));
            return;
        }

        report.Add(CheckResult.Ok(
            "configuration",
            $"network {config.Network}, subnets /{config.SubnetLength} from {config.SubnetMin} to {config.SubnetMax},"
            + $" backend {config.BackendType}"));
        foreach (var line in BackendFactory.Warnings(config)) report.Add(CheckResult.Warning("configuration", line, CorrectConfig));
    }

    private async Task ReportMissingConfigAsync(CancellationToken cancellation)
    {
        var v2 = await connections.FindConfigInV2StoreAsync(cancellation);
        var found = v2 is null ? "" : $"; the v2 store of {v2} has one, which flannel does not read";
        report.Add(CheckResult.Problem(
            "configuration", $"there is none at {configKey}{found}",
            $"{(v2 is null ? "" : "ETCDCTL_API=3 ")}etcdctl put {configKey} "
            + "'{\"Network\":\"10.24.0.0/16\",\"Backend\":{\"Type\":\"ali-vpc\"}}', "
            + "with a network that overlaps none of the VPC's ranges"));
    }

    private async Task CheckMembersAsync(CancellationToken cancellation)
    {
        var members = await connections.Etcd.VersionsAsync(cancellation);
        var unavailable = members.Count(member => !member.Version.Ok);
        List<string> lines = [];
        foreach (var (endpoint, version) in members) lines.Add(version.Ok ? $"{endpoint}: etcd {version.Value}" : version.Error);
        // The default contains etcd's former and its current port; a member listens on one of them.
        var isEnough = options.EtcdEndpoints == OptionDefaults.EtcdEndpoints ? unavailable < members.Length : unavailable == 0;
        var state = isEnough ? CheckState.Ok : CheckState.Warning;
        if (unavailable == members.Length) state = CheckState.Problem;
        report.Add(new CheckResult("etcd", state, $"{members.Length - unavailable} of {members.Length} endpoints answer")
        {
            Lines = lines,
            Advice = isEnough ? "" : "start etcd there, or correct --etcd-endpoints",
        });
    }

    private void CheckLeases(SubnetState state, NetworkConfig config, SelectedInterface? selected)
    {
        const string subject = "leases";
        var free = SubnetAllocator.CountFree(config, state.Taken);
        var own = selected is null ? null : state.Leases.FirstOrDefault(lease => lease.Attributes.PublicIp == selected.PublicIp);
        var detail = $"{state.Taken.Count} subnets leased, {free} free; this node has {own?.Subnet.ToString() ?? "none"}";
        if (free == 0 && own is null)
        {
            report.Add(CheckResult.Problem(
                subject, detail, "widen SubnetMin and SubnetMax, increase SubnetLen, or delete leases of nodes that no longer exist"));
        }
        else if (!state.IsComplete)
        {
            report.Add(CheckResult.Warning(
                subject, $"{detail}; a lease cannot be read",
                "see the daemon's log, and delete or correct that key: until then no stale route is deleted"));
        }
        else
        {
            report.Add(CheckResult.Ok(subject, detail));
        }
    }

    private static string Advice(EtcdErrorKind kind) => kind switch
    {
        EtcdErrorKind.Tls => "see --etcd-cafile, --etcd-certfile and --etcd-keyfile",
        EtcdErrorKind.PermissionDenied => "grant the user read and write on the prefix",
        EtcdErrorKind.Unavailable or EtcdErrorKind.TimedOut => "start etcd, or correct --etcd-endpoints",
        _ => "see --etcd-username and --etcd-password-file",
    };
}
