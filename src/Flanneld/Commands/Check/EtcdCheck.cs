using Flannel.Core;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flanneld.Backends;
using Flanneld.Clients;
using Flanneld.Commands.Config;
using Flanneld.Commands.Output;
using Flanneld.Host;
using Flanneld.Host.Interfaces;
using Flanneld.Options;

namespace Flanneld.Commands.Check;

/// <summary>What the check read from etcd.</summary>
/// <param name="Backend">Of the configuration; null without a configuration that this build supports.</param>
internal sealed record EtcdCheckResult(SubnetState State, IBackend? Backend);

/// <summary>Checks etcd, and the configuration and the leases in it.</summary>
internal sealed class EtcdCheck(DaemonOptions options, Connections connections, CheckSection results)
{
    private const string CorrectConfig = "correct it with 'flanneld config set FILE'";

    private readonly string configKey = options.EtcdKeys.Config.ToStringUtf8();

    /// <returns>Null when etcd could not be read.</returns>
    public async Task<EtcdCheckResult?> RunAsync(SelectedInterface? selected, CancellationToken cancellation)
    {
        if (!await CheckMembersAsync(cancellation))
        {
            results.Add(CheckResult.Unknown(CheckKind.Configuration, "not read: etcd is unavailable"));
            return null;
        }

        return await ReadAsync<EtcdCheckResult>(CheckKind.Configuration, CheckState.Problem, async () =>
        {
            var state = await connections.Subnets.ReadAsync(cancellation);
            var backend = await CheckConfigAsync(state.Config, cancellation);
            if (backend is not null && state.Config is ConfigState.Present present)
            {
                var own = FindOwnLease(state, selected);
                CheckLeases(state, present.Config, own);
                if (backend.RequiresRoute && own is not null) await CheckOwnRouteAsync(own, backend, cancellation);
            }

            return new EtcdCheckResult(state, backend);
        });
    }

    /// <summary>Reports the route controller.</summary>
    /// <returns>The cluster's id; null when there is none, or etcd could not be read.</returns>
    public Task<ClusterId?> CheckControllerAsync(CancellationToken cancellation)
    {
        var kind = CheckKind.RouteController;
        return ReadAsync<ClusterId>(kind, CheckState.Warning, async () =>
        {
            var holder = await connections.Subnets.ReadControllerAsync(cancellation);
            if (holder is not null) results.Add(CheckResult.Note(kind, $"{holder.InstanceId} ({holder.PublicIp})"));
            else await ReportVacancyAsync(cancellation);
            var cluster = await ClusterStore.ReadAsync(connections.Etcd, options.EtcdKeys, cancellation);
            if (cluster is ClusterIdResult.Unreadable)
            {
                results.Add(CheckResult.Problem(
                    CheckKind.ClusterId, $"{options.EtcdKeys.Cluster.ToStringUtf8()} is not the id of a cluster: no route is written",
                    "delete the key; the route controller creates a new id"));
            }

            return (cluster as ClusterIdResult.Known)?.Id;
        });
    }

    /// <summary>No route controller is elected. That is no failure before the first daemon starts.</summary>
    private async Task ReportVacancyAsync(CancellationToken cancellation)
    {
        var list = await connections.Subnets.ReadNonCandidatesAsync(NonCandidateText.Limit, cancellation);
        results.SetNonCandidates(list);
        if (list.Count == 0)
        {
            results.Add(CheckResult.Note(CheckKind.RouteController, "none now: no daemon that may write routes runs"));
            return;
        }

        var warning = CheckResult.Warning(
            CheckKind.RouteController, $"none is elected: {list.Describe(atMost: 0)}",
            "correct the cause on one of them: 'flanneld check' there says more");
        results.Add(warning with { Lines = NonCandidateText.Lines(list) });
    }

    /// <returns>Null when etcd could not be read, which is reported.</returns>
    private Task<T?> ReadAsync<T>(CheckKind kind, CheckState whenUnread, Func<Task<T?>> read) where T : class =>
        EtcdErrors.HandleAsync<T?>(read, e =>
        {
            results.Add(new CheckResult(kind, whenUnread, $"not read: {e.Summary}") { Advice = Advice(e.Kind) });
            return null;
        });

    /// <returns>The backend; null without a configuration that this build supports.</returns>
    private async Task<IBackend?> CheckConfigAsync(ConfigState state, CancellationToken cancellation)
    {
        switch (state)
        {
            case ConfigState.Present { Config: var config }:
                return CheckConfig(config);
            case ConfigState.Invalid invalid:
                ReportInvalidConfig(invalid.Error);
                return null;
            default:
                await ReportMissingConfigAsync(cancellation);
                return null;
        }
    }

    private IBackend? CheckConfig(NetworkConfig config)
    {
        var backend = BackendFactory.Create(config);
        if (!backend.Ok)
        {
            ReportInvalidConfig(backend.Error);
            return null;
        }

        results.Add(CheckResult.Ok(
            CheckKind.Configuration,
            $"network {config.Network}, subnets /{config.SubnetLength} from {config.SubnetMin} to {config.SubnetMax},"
            + $" backend {config.BackendType}{(config.Ipv6 is { } ipv6 ? $", IPv6 network {ipv6}" : "")}"));
        foreach (var line in BackendFactory.Warnings(config))
            results.Add(CheckResult.Warning(CheckKind.Configuration, line, CorrectConfig));
        return backend.Value;
    }

    private void ReportInvalidConfig(string error) =>
        results.Add(CheckResult.Problem(CheckKind.Configuration, $"{configKey} is invalid: {error}", CorrectConfig));

    private async Task ReportMissingConfigAsync(CancellationToken cancellation)
    {
        var v2 = await connections.FindConfigInV2StoreAsync(cancellation);
        var found = v2 is null ? "" : $"; the v2 store of {v2} has one, which flannel does not read";
        results.Add(CheckResult.Problem(
            CheckKind.Configuration, $"there is none at {configKey}{found}",
            $"{connections.Subnets.ConfigCommand}, with a network that overlaps none of the VPC's ranges"));
    }

    /// <returns>Whether a member responds.</returns>
    private async Task<bool> CheckMembersAsync(CancellationToken cancellation)
    {
        var members = await connections.Etcd.VersionsAsync(cancellation);
        var unavailable = members.Count(member => !member.Version.Ok);
        List<string> lines = [];
        foreach (var (endpoint, version) in members) lines.Add(version.Ok ? $"{endpoint}: etcd {version.Value}" : version.Error);
        // The default contains etcd's former and its current port; a member listens on one of them.
        var isEnough = options.EtcdEndpoints == OptionDefaults.EtcdEndpoints ? unavailable < members.Length : unavailable == 0;
        var state = isEnough ? CheckState.Ok : CheckState.Warning;
        if (unavailable == members.Length) state = CheckState.Problem;
        results.Add(new CheckResult(CheckKind.Etcd, state, $"{members.Length - unavailable} of {members.Length} endpoints answer")
        {
            Lines = lines,
            Advice = isEnough
                ? ""
                : EndpointAdvice.Find(options, HostFiles.OfThisHost) ?? "start etcd there, or correct --etcd-endpoints",
        });
        return unavailable < members.Length;
    }

    private static Lease? FindOwnLease(SubnetState state, SelectedInterface? selected) =>
        selected is null ? null : state.Leases.FirstOrDefault(lease => lease.Attributes.PublicIp == selected.PublicIp);

    private async Task CheckOwnRouteAsync(Lease own, IBackend backend, CancellationToken cancellation)
    {
        var status = await connections.Subnets.ReadRouteStatusAsync(own.Key, cancellation);
        results.Add(OwnRoute.Describe(own, status, backend.HasFallback));
    }

    private void CheckLeases(SubnetState state, NetworkConfig config, Lease? own)
    {
        var kind = CheckKind.Leases;
        var free = SubnetAllocator.CountFree(config, state.Taken);
        var detail = $"{Plural.Of(state.Taken.Count, "subnet")} leased, {free} free; this node has {own?.Subnet.ToString() ?? "none"}";
        if (free == 0 && own is null)
        {
            results.Add(CheckResult.Problem(
                kind, detail, "widen SubnetMin and SubnetMax, increase SubnetLen, or delete leases of nodes that no longer exist"));
        }
        else if (own is not null && LeaseFit.FindMisfits(config, [own]) is [var misfit])
        {
            results.Add(CheckResult.Warning(
                kind, $"{detail}; {misfit}", "see 'flanneld config get'; a restart of this node changes the addresses of its containers"));
        }
        else if (!state.IsComplete)
        {
            results.Add(CheckResult.Warning(
                kind, $"{detail}; a lease cannot be read",
                "see the daemon's log, and delete or correct that key: until then no stale route is deleted"));
        }
        else
        {
            results.Add(CheckResult.Ok(kind, detail));
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
