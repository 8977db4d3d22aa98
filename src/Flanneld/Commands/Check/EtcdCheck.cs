using Flannel.Core;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Flannel.Etcd.Election;
using Flannel.Etcd.Registry;
using Flanneld.Backends;
using Flanneld.Host.Interfaces;
using Flanneld.Options;

namespace Flanneld.Commands.Check;

/// <summary>etcd, the configuration and the leases in it.</summary>
internal sealed class EtcdCheck(DaemonOptions options, Connections connections, CheckReport report)
{
    /// <summary>Null when etcd could not be read.</summary>
    public async Task<RegistryState?> RunAsync(SelectedInterface? selected, CancellationToken cancellation)
    {
        await MembersAsync(cancellation);
        RegistryState state;
        try
        {
            state = await connections.Registry.ReadAsync(cancellation);
        }
        catch (EtcdException e)
        {
            report.Add(CheckResult.Problem("configuration", $"not read: etcd: {e.Message}", Advice(e.Kind)));
            return null;
        }

        var key = options.EtcdKeys.Config.ToStringUtf8();
        switch (state.Config)
        {
            case ConfigState.Present { Config: var config } when NodeBackend.Refusal(config) is { } refusal:
                report.Add(CheckResult.Problem("configuration", $"{key} is refused: {refusal}", "correct it with etcdctl put"));
                break;
            case ConfigState.Present { Config: var config }:
                report.Add(CheckResult.Ok("configuration",
                    $"network {config.Network}, subnets /{config.SubnetLength} from {config.SubnetMin} to {config.SubnetMax}, backend {config.BackendType}"));
                foreach (var line in NodeBackend.Warnings(config)) report.Add(
                    CheckResult.Warning("configuration", line, "correct it with etcdctl put"));
                Leases(state, config, selected);
                break;
            case ConfigState.Refused refused:
                report.Add(CheckResult.Problem("configuration", $"{key} is refused: {refused.Error}", "correct it with etcdctl put"));
                break;
            default:
                var v2 = await connections.FindConfigInV2StoreAsync(cancellation);
                report.Add(CheckResult.Problem("configuration",
                    $"there is none at {key}{(v2 is null ? "" : $"; there is one in the v2 store of {v2}, which flannel does not read")}",
                    $"{(v2 is null ? "" : "ETCDCTL_API=3 ")}etcdctl put {key} "
                    + "'{\"Network\":\"10.24.0.0/16\",\"Backend\":{\"Type\":\"ali-vpc\"}}', "
                    + "with a network that overlaps none of the VPC's ranges"));
                break;
        }

        return state;
    }

    /// <summary>Who writes the routes now.</summary>
    /// <returns>The cluster's id; null when there is none, or etcd could not be read.</returns>
    public async Task<ClusterId?> ControllerAsync(CancellationToken cancellation)
    {
        try
        {
            var holder = await EtcdElection.ReadHolderAsync(connections.Etcd, options.EtcdKeys, cancellation);
            report.Add(CheckResult.Note("route controller", holder is null ? "none now: no daemon that may write routes runs" : $"{holder.InstanceId} ({holder.PublicIp})"));
            var cluster = await ClusterStore.ReadAsync(connections.Etcd, options.EtcdKeys, cancellation);
            if (cluster is ClusterIdResult.Known known) return known.Id;
            if (cluster is ClusterIdResult.Unreadable)
            {
                var key = options.EtcdKeys.Cluster.ToStringUtf8();
                report.Add(CheckResult.Problem(
                    "cluster id", $"{key} is not the id of a cluster: no route is written",
                    "delete the key; the route controller creates a new id"));
            }
        }
        catch (EtcdException e)
        {
            report.Add(CheckResult.Warning("route controller", $"not read: etcd: {e.Message}", Advice(e.Kind)));
        }

        return null;
    }

    private async Task MembersAsync(CancellationToken cancellation)
    {
        var members = await connections.Etcd.VersionsAsync(cancellation);
        var away = members.Count(member => member.Version is null);
        List<string> lines = [];
        foreach (var member in members) lines.Add(member.Version is null ? member.Problem : $"{member.Endpoint}: etcd {member.Version}");
        var detail = $"{members.Length - away} of {members.Length} endpoints answer";
        // The default names the ports of old and of new; a member listens on one of them.
        var enough = options.EtcdEndpoints == new DaemonOptions().EtcdEndpoints ? away < members.Length : away == 0;
        report.Add(new CheckResult("etcd", away == members.Length ? CheckState.Problem : enough ? CheckState.Ok : CheckState.Warning, detail)
        {
            Lines = lines,
            Advice = !enough ? "start etcd there, or correct --etcd-endpoints" : "",
        });
    }

    private void Leases(RegistryState state, NetworkConfig config, SelectedInterface? selected)
    {
        var free = SubnetAllocator.CountFree(config, state.Taken);
        var own = selected is null ? null : state.Leases.FirstOrDefault(lease => lease.Attributes.PublicIp == selected.PublicIp);
        var detail = $"{state.Taken.Count} subnets leased, {free} free; this node has {own?.Subnet.ToString() ?? "none"}";
        report.Add(free == 0 && own is null
            ? CheckResult.Problem("leases", detail, "widen SubnetMin and SubnetMax, lengthen SubnetLen, or delete leases of nodes that are gone")
            : state.IsWhole ? CheckResult.Ok("leases", detail)
            : CheckResult.Warning("leases", $"{detail}; a lease cannot be read", "see the daemon's log, and delete or correct that key: until then no stale route is collected"));
    }

    private static string Advice(EtcdErrorKind kind) => kind switch
    {
        EtcdErrorKind.Tls => "see --etcd-cafile, --etcd-certfile and --etcd-keyfile",
        EtcdErrorKind.PermissionDenied => "give the user read and write below the prefix",
        EtcdErrorKind.Unavailable or EtcdErrorKind.TimedOut => "start etcd, or correct --etcd-endpoints",
        _ => "see --etcd-username and --etcd-password-file",
    };
}
