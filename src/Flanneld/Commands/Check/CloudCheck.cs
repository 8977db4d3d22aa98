using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Quotas;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Sts;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController;
using Flannel.RouteController.Inventory;
using Flannel.RouteController.Permissions;
using Flannel.RouteController.Planning;
using Flanneld.Backends;
using Flanneld.Controller;
using Flanneld.Observability;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flanneld.Commands.Check;

/// <summary>The way to Alibaba Cloud, the rights there, and what stands in the VPC.</summary>
internal sealed class CloudCheck(CheckReport report, TimeProvider time)
{
    private const int QuotaWarnFrom = 80;

    /// <summary>A range for benchmarks (RFC 2544) that no VPC has: for a dry run as long as there is no network.</summary>
    private static readonly Ipv4Network NoNetwork = Ipv4Network.Parse("198.18.0.0/15");

    /// <summary>Of this cluster's routes; null while no route controller has worked yet.</summary>
    public ClusterId? Cluster { get; init; }

    /// <param name="config">Null while there is none that can be used.</param>
    /// <param name="snapshot">Null when etcd could not be read.</param>
    public async Task RunAsync(CloudAccess cloud, AliVpcBackendConfig backend, AliVpcBackendData self, NetworkConfig? config, LeaseSnapshot? snapshot, CancellationToken cancellation)
    {
        self = self with { RegionId = backend.RegionId ?? self.RegionId };
        var reached = await EndpointAsync(EndpointCheck.VpcAsync(cloud.Options, self.RegionId, time, cancellation));
        await EndpointAsync(EndpointCheck.EcsAsync(cloud.Options, self.RegionId, time, cancellation));
        if (backend.Role is not null) await EndpointAsync(EndpointCheck.StsAsync(cloud.Options, self.RegionId, time, cancellation));
        await CredentialsAsync(cloud, backend.Role, cancellation);
        var network = config?.Network;
        var survey = await PermissionCheck.TakeAsync(cloud.Api, self, SampleOf(config), cancellation);
        Clock(cloud.Api.ClockDifference);
        if (survey.Refusal is { } refusal)
        {
            report.Add(refusal switch
            {
                { IsLackOfCredentials: true } => CheckResult.Note("RAM rights", "not tried: there are no credentials"),
                { HttpStatus: 0 } when !reached => CheckResult.Note("RAM rights", "not tried: the VPC API is not reached"),
                { Kind: CloudErrorKind.RefreshCredentials } =>
                    CheckResult.Problem("RAM rights", $"not tried, the cloud does not take the key: {refusal.Code} {refusal.Message}{refusal.RequestNote}", "give a key that is active, or correct the one above"),
                _ => CheckResult.Problem("RAM rights", $"not tried: {refusal.Code} {refusal.Message}{refusal.RequestNote}", "see the endpoints above"),
            });
            return;
        }

        Rights(survey.Rights);
        RouteTable(survey, backend);
        Quota(survey);
        if (network is { } range) Overlaps(survey, range);
        SourceDestCheck(survey, self);
        if (snapshot is not null && config is not null && NodeBackend.NeedsRoutes(config)) await RoutesAsync(cloud, backend, snapshot, cancellation);
    }

    private static Ipv4Network SampleOf(NetworkConfig? config) =>
        config is null ? new Ipv4Network(NoNetwork.Address, 24) : new Ipv4Network(config.SubnetMax, config.SubnetLength);

    /// <summary>Whether calls can go there.</summary>
    private async Task<bool> EndpointAsync(Task<EndpointCheckResult> probe)
    {
        var answer = await probe;
        var subject = $"{answer.Service} endpoint";
        report.Add(!answer.IsOpen
            ? CheckResult.Problem(subject, answer.Detail, $"let this instance resolve and reach it (TCP 443), or give --{answer.Service}-endpoint")
            : answer.Remark.Length > 0
                ? CheckResult.Warning(subject, $"{answer.Detail}; {answer.Remark}", "use the VPC's own DNS servers (100.100.2.136, 100.100.2.138), so that calls stay inside")
                : CheckResult.Ok(subject, answer.Detail));
        return answer.IsOpen;
    }

    /// <summary>The chain, link by link. It may serve where nothing else of the cloud is known yet.</summary>
    /// <param name="role">Of the network configuration; null without one.</param>
    public async Task CredentialsAsync(CloudAccess cloud, AssumedRole? role, CancellationToken cancellation)
    {
        var links = await cloud.Credentials.ExplainAsync(cancellation);
        CredentialLink? served = null;
        CredentialLink? failed = null;
        List<string> lines = [];
        foreach (var link in links)
        {
            if (link.State == CredentialLinkState.Served) served = link;
            if (link.State == CredentialLinkState.Failed) failed = link;
        }

        // An assumed role comes last: what it says counts.
        var ended = links.Count > 0 && links[^1].State == CredentialLinkState.Failed ? links[^1] : served is null ? failed : null;
        foreach (var link in links)
        {
            // What ended the chain is said above these lines.
            if (link.State == CredentialLinkState.NotAsked || link == ended) continue;
            var word = Word(link);
            lines.Add(word.StartsWith(link.Name, StringComparison.Ordinal) ? word : $"{link.Name}: {word}");
        }

        if (ended?.Denied is { } denied) report.MissingRights.Add(denied);
        var finding = ended is not null ? CheckResult.Problem("credentials", ended.Detail, Advice(ended, role))
            : served is null ? CheckResult.Problem("credentials", "none: nothing of the chain below serves", "attach a RAM role to this instance (ECS console, the instance, Attach/Detach RAM Role), or give --access-key-file")
            : CheckResult.Ok("credentials", $"{served.Name}, {served.Detail}");
        report.Add(finding with { Lines = lines });
    }

    private static string Advice(CredentialLink ended, AssumedRole? role) => ended switch
    {
        { Denied: not null } => "grant it with the policy below, and let the role's trust policy name who assumes it",
        _ when ended.Name == role?.Name => "correct Backend.RoleArn of the network configuration, or what the line above names",
        { IsAlwaysTried: true } => "let this instance reach its metadata service, or give a key: see docs/credentials.md",
        _ => "correct it, or remove it so that the next one is asked; see docs/credentials.md",
    };

    private static string Word(CredentialLink link) => link.State switch
    {
        CredentialLinkState.Served => "serves",
        CredentialLinkState.Disabled => $"switched off: {link.Detail}",
        _ => link.Detail,
    };

    private void Clock(TimeSpan? difference)
    {
        if (difference is not { } ahead) return;
        var seconds = Math.Abs((long)ahead.TotalSeconds);
        var detail = seconds < 2 ? "agrees with the cloud's" : $"is {seconds} s {(ahead > TimeSpan.Zero ? "behind" : "ahead of")} the cloud's";
        report.Add(seconds < 60 ? CheckResult.Ok("clock", detail)
            : CheckResult.Warning("clock", detail, "start an NTP client (chrony); beyond 15 minutes a first call is refused, and repeated with the cloud's time"));
    }

    private void Rights(IReadOnlyList<Permission> rights)
    {
        var granted = 0;
        var missing = 0;
        var severe = false;
        List<string> lines = [];
        foreach (var right in rights)
        {
            if (right.State == PermissionState.Granted) granted++;
            else lines.Add($"{right.Action}: {(right.State == PermissionState.Denied ? "missing" : right.State == PermissionState.Blocked ? "probably missing" : "not known")}{(right.LostWithout.Length > 0 ? $"; without it {right.LostWithout}" : "")} ({right.Detail})");
            if (right.State is not (PermissionState.Denied or PermissionState.Blocked)) continue;
            missing++;
            report.MissingRights.Add(new DeniedRight(right.Action, "*"));
            severe |= right.LostWithout.Length == 0;
        }

        var state = severe ? CheckState.Problem : missing > 0 ? CheckState.Warning : CheckState.Ok;
        report.Add(new CheckResult("RAM rights", state, $"{granted} of {rights.Count} actions are allowed")
        {
            Lines = lines,
            Advice = missing > 0 ? "grant what is missing with the policy below" : "",
        });
    }

    private void RouteTable(PermissionCheck survey, AliVpcBackendConfig backend)
    {
        if (survey.VSwitch.Value is not { } vSwitch)
        {
            report.Add(CheckResult.Problem("route table", $"not known: {Text(survey.VSwitch.Error!)}", "see the rights above"));
            return;
        }

        report.Add(CheckResult.Ok("route table", $"{vSwitch.RouteTableId} serves {vSwitch.VSwitchId}"));
        if (survey.Tables.Value is not { } tables) return;
        foreach (var configured in backend.RouteTableIds)
        {
            var table = tables.FirstOrDefault(known => known.RouteTableId == configured);
            if (table is null) report.Add(CheckResult.Problem("route table", $"{configured}, of the configuration's RouteTableID, is not in {vSwitch.VpcId}", "correct RouteTableID, or leave it out"));
            else if (table.IsGateway) report.Add(CheckResult.Problem("route table", $"{configured}, of the configuration's RouteTableID, is a gateway's table", "leave it out: it serves no vSwitch"));
        }
    }

    private void Quota(PermissionCheck survey)
    {
        if (survey.Entries?.Value is not { } entries) return;
        var used = 0;
        foreach (var entry in entries)
        {
            if (entry.IsCustom) used++;
        }

        var limit = survey.Quota.Value?.Total ?? RouteEntryQuota.Default;
        var detail = $"{used} of {limit} custom entries{(survey.Quota.Value is null ? " (the limit is assumed)" : "")}, {Math.Max(0, limit - used)} left, one for each node";
        var advice = $"ask for more of {RouteEntryQuota.Code} (product vpc, https://quotas.console.alibabacloud.com), or use the vxlan backend";
        report.Add(used >= limit ? CheckResult.Problem("quota", detail, advice)
            : used * 100L >= limit * (long)QuotaWarnFrom ? CheckResult.Warning("quota", detail, advice)
            : CheckResult.Ok("quota", detail));
    }

    private void Overlaps(PermissionCheck survey, Ipv4Network network)
    {
        if (survey.Vpc.Value is not { } vpc || survey.VSwitches.Value is not { } vSwitches)
        {
            report.Add(CheckResult.Warning("network", $"{network} is not compared with the VPC's ranges: {Text((survey.Vpc.Error ?? survey.VSwitches.Error)!)}", "see the rights above"));
            return;
        }

        var overlaps = new CidrConflictCheck(vpc, vSwitches);
        const string advice = "choose a network that overlaps none of the VPC's ranges, before the first node starts";
        if (overlaps.RefusalOf(network) is { } refusal)
        {
            report.Add(CheckResult.Problem("network", $"the API would refuse its routes: {refusal}", advice));
            return;
        }

        var warnings = overlaps.Warnings(network);
        report.Add(overlaps.OverlapsVSwitch(network)
            ? CheckResult.Problem("network", $"subnets that overlap a vSwitch are never leased: {string.Join("; ", warnings)}", advice)
            : warnings.Count == 0 ? CheckResult.Ok("network", $"{network} overlaps none of the VPC's ranges")
            : CheckResult.Warning("network", string.Join("; ", warnings), advice));
    }

    private void SourceDestCheck(PermissionCheck survey, AliVpcBackendData self) => report.Add(survey.SourceDestCheck switch
    {
        false => CheckResult.Ok("source/destination check", $"off at {self.NetworkInterfaceId}"),
        true => CheckResult.Note("source/destination check", $"on at {self.NetworkInterfaceId}: the route controller switches it off when this node joins"),
        null => CheckResult.Warning("source/destination check", $"not known of {self.NetworkInterfaceId}", "see to it that it is off, or packets of containers are dropped"),
    });

    private async Task RoutesAsync(CloudAccess cloud, AliVpcBackendConfig backend, LeaseSnapshot snapshot, CancellationToken cancellation)
    {
        var plan = await RouteDryRun.RunAsync(
            snapshot, Cluster, new RouteControllerOptions(backend.RouteTableIds), cloud.Api, NullLogger.Instance,
            cancellation);
        foreach (var other in plan.OtherClusters)
        {
            report.Add(CheckResult.Warning(
                "other clusters",
                $"{other.Routes} {(other.Routes == 1 ? "route" : "routes")} of {other.Mark} in {other.Vpc}, inside this cluster's network",
                "give each cluster of a VPC a network of its own; see 'flanneld routes' for routes of a cluster that is gone"));
        }

        report.Add(!plan.Complete ? CheckResult.Warning("leases and routes", "not all could be compared", "see 'flanneld --dry-run'")
            : plan.Changes == 0 ? CheckResult.Ok("leases and routes", "agree")
            : CheckResult.Warning("leases and routes", $"{plan.Changes} routes differ", "the route controller puts them right; see 'flanneld --dry-run', and its log if they stay"));
    }

    private static string Text(CloudError error) => $"{error.DeniedAction ?? error.Code} {error.Message}{error.RequestNote}";
}
