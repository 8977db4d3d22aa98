using Flannel.Core;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flanneld.Backends;
using Flanneld.Clients;
using Flanneld.Commands.Config;
using Flanneld.Commands.Output;
using Flanneld.Host.Interfaces;

namespace Flanneld.Commands.Check;

/// <summary>What the check read from the cluster's store.</summary>
/// <param name="Backend">Of the configuration; null without a configuration that this build supports.</param>
internal sealed record ClusterCheckResult(SubnetState State, IBackend? Backend);

/// <summary>Checks the cluster's store, and the configuration and the leases in it.</summary>
internal sealed class ClusterCheck(Connections connections, IStoreCheck store, CheckSection results)
{
    private readonly string correctConfig = $"correct it with '{connections.Store.ConfigEditCommand}'";
    private readonly string configKey = connections.Subnets.ConfigLocation;

    /// <returns>Null when it could not be read.</returns>
    public async Task<ClusterCheckResult?> RunAsync(SelectedInterface? selected, CancellationToken cancellation)
    {
        if (!await store.CheckServersAsync(results, cancellation))
        {
            results.Add(CheckResult.Unknown(CheckKind.Configuration, $"not read: {connections.Subnets.Name} is unavailable"));
            return null;
        }

        return await ReadAsync<ClusterCheckResult>(CheckKind.Configuration, CheckState.Problem, async () =>
        {
            var state = await connections.Subnets.ReadAsync(cancellation);
            var backend = await CheckConfigAsync(state.Config, cancellation);
            await store.CheckNodeAsync(results, backend is null ? null : (state.Config as ConfigState.Present)?.Config, cancellation);
            if (backend is not null && state.Config is ConfigState.Present present)
            {
                var own = FindOwnLease(state, selected);
                CheckLeases(state, present.Config, own);
                if (backend.RequiresRoute && own is not null) await CheckOwnRouteAsync(own, backend, cancellation);
            }

            return new ClusterCheckResult(state, backend);
        });
    }

    /// <summary>Reports the route controller.</summary>
    /// <returns>The cluster's id; null when there is none, or it could not be read.</returns>
    public Task<ClusterId?> CheckControllerAsync(CancellationToken cancellation)
    {
        var kind = CheckKind.RouteController;
        return ReadAsync<ClusterId>(kind, CheckState.Warning, async () =>
        {
            var holder = await connections.Subnets.ReadControllerAsync(cancellation);
            if (holder is not null) results.Add(CheckResult.Note(kind, $"{holder.InstanceId} ({holder.PublicIp})"));
            else await ReportVacancyAsync(cancellation);
            var cluster = await connections.Store.ReadClusterIdAsync(cancellation);
            if (cluster.IsUnreadable)
            {
                results.Add(CheckResult.Problem(
                    CheckKind.ClusterId, $"{connections.Store.ClusterIdLocation} is not the id of a cluster: no route is written",
                    "delete it; the route controller creates a new id"));
            }

            return cluster.Id;
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

    /// <returns>Null when it could not be read, which is reported.</returns>
    private Task<T?> ReadAsync<T>(CheckKind kind, CheckState whenUnread, Func<Task<T?>> read) where T : class =>
        StoreErrors.HandleAsync<T?>(read, e =>
        {
            results.Add(new CheckResult(kind, whenUnread, $"not read: {e.Summary}") { Advice = store.AdviceFor(e) });
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
            results.Add(CheckResult.Warning(CheckKind.Configuration, line, correctConfig));
        return backend.Value;
    }

    private void ReportInvalidConfig(string error) =>
        results.Add(CheckResult.Problem(CheckKind.Configuration, $"{configKey} is invalid: {error}", correctConfig));

    private async Task ReportMissingConfigAsync(CancellationToken cancellation)
    {
        var place = await connections.Store.FindMisplacedConfigAsync(cancellation);
        var found = place is null ? "" : $"; {place} has one, which flannel does not read";
        results.Add(CheckResult.Problem(
            CheckKind.Configuration, $"there is none at {configKey}{found}",
            $"{connections.Subnets.ConfigCommand}, with a network that overlaps none of the VPC's ranges"));
    }

    private Lease? FindOwnLease(SubnetState state, SelectedInterface? selected) =>
        selected is null ? null : connections.Store.FindOwnLease(state, selected.PublicIp);

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
}
