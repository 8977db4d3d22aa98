using Flannel.AliCloud.Http;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.RouteController.Permissions;
using Flannel.RouteController.Planning;
using Flanneld.Backends;
using Flanneld.Clients;

namespace Flanneld.Commands.Check;

/// <summary>Checks Alibaba Cloud: endpoints, credentials, permissions, and the VPC.</summary>
internal sealed class CloudCheck(CloudAccess cloud, AliVpcBackendConfig backend, CheckSection results, TimeProvider time)
{
    /// <summary>Whether details that need no action are reported, too.</summary>
    public bool IsVerbose { get; init; }

    /// <inheritdoc cref="CredentialsCheck.IsMetadataAvailable"/>
    public bool IsMetadataAvailable { get; init; } = true;

    /// <summary>A range for benchmarks (RFC 2544) that no VPC has: for the API's dry runs without a network configuration.</summary>
    private static readonly Ipv4Network SampleNetwork = Ipv4Network.Parse("198.18.0.0/15");

    /// <summary>Checks the permissions, and the VPC as far as they allow it.</summary>
    /// <param name="isReached">Whether the VPC API can be called; false if that is not known.</param>
    /// <returns>Null if nothing else can be read.</returns>
    public async Task<PermissionCheck?> CheckPermissionsAsync(
        AliVpcBackendData self, NetworkConfig? config, bool isReached, CancellationToken cancellation)
    {
        var permissions = await PermissionCheck.RunAsync(cloud.Api, InRegion(self), SampleSubnet(config), cancellation);
        CheckClock(cloud.Api.ClockDifference);
        if (permissions.CredentialsError is { } error)
        {
            results.Add(DescribeCredentialsError(error, isReached));
            return null;
        }

        CheckPermissions(permissions.Permissions);
        new VpcCheck(results).Run(permissions, backend, self, config?.Network);
        return permissions;
    }

    public Task CheckCredentialsAsync(CancellationToken cancellation) =>
        new CredentialsCheck(cloud.Credentials, backend.Role, results, IsVerbose) { IsMetadataAvailable = IsMetadataAvailable }
            .RunAsync(cancellation);

    private static Ipv4Network SampleSubnet(NetworkConfig? config) =>
        config is null ? new Ipv4Network(SampleNetwork.Address, 24) : new Ipv4Network(config.SubnetMax, config.SubnetLength);

    private static CheckResult DescribeCredentialsError(CloudError error, bool isReached)
    {
        var text = $"{error.Code} {error.Message}{error.RequestNote}";
        return error switch
        {
            { IsLackOfCredentials: true } => CheckResult.Note(CheckKind.RamPermissions, "not checked: there are no credentials"),
            { HttpStatus: 0 } when !isReached => CheckResult.Unknown(CheckKind.RamPermissions, "not checked: the VPC API is unavailable"),
            { Kind: CloudErrorKind.RefreshCredentials, HttpStatus: not 0 } => CheckResult.Problem(
                CheckKind.RamPermissions, $"not checked, the cloud rejects the key: {text}", "use an active key, or correct the one above"),
            // The endpoint accepts connections, and calls fail: that says nothing about the permissions.
            _ => CheckResult.Unknown(CheckKind.RamPermissions, $"not checked: {text}"),
        };
    }

    /// <returns>The VPC API.</returns>
    public async Task<EndpointCheckResult> CheckEndpointsAsync(AliVpcBackendData self, CancellationToken cancellation)
    {
        var regionId = InRegion(self).RegionId;
        var vpc = await EndpointCheck.VpcAsync(cloud.Options, regionId, time, cancellation);
        ReportEndpoint(vpc);
        ReportEndpoint(await EndpointCheck.EcsAsync(cloud.Options, regionId, time, cancellation));
        if (backend.Role is not null)
            ReportEndpoint(await EndpointCheck.StsAsync(cloud.Options, regionId, time, cancellation));
        return vpc;
    }

    /// <summary>The region of the configuration, if it names one.</summary>
    private AliVpcBackendData InRegion(AliVpcBackendData self) => self with { RegionId = backend.RegionId ?? self.RegionId };

    private void ReportEndpoint(EndpointCheckResult result)
    {
        var kind = result.Service switch
        {
            "vpc" => CheckKind.VpcEndpoint,
            "ecs" => CheckKind.EcsEndpoint,
            _ => CheckKind.StsEndpoint,
        };
        if (!result.IsReachable)
        {
            results.Add(CheckResult.Problem(
                kind, result.Detail, $"let this instance resolve and connect to it (TCP 443), or set --{result.Service}-endpoint"));
        }
        else if (result.Warning.Length > 0)
        {
            results.Add(CheckResult.Warning(
                kind, $"{result.Detail}; {result.Warning}",
                "use the VPC's own DNS servers (100.100.2.136, 100.100.2.138), so that calls stay inside the VPC"));
        }
        else
        {
            results.Add(CheckResult.Ok(kind, result.Detail));
        }
    }

    private void CheckClock(TimeSpan? difference)
    {
        const int accurateSeconds = 2, toleratedSeconds = 60;
        var kind = CheckKind.Clock;
        if (difference is not { } ahead) return;
        var seconds = Math.Abs((long)ahead.TotalSeconds);
        var direction = ahead > TimeSpan.Zero ? "behind" : "ahead of";
        var detail = seconds < accurateSeconds ? "agrees with the cloud's" : $"is {seconds} s {direction} the cloud's";
        results.Add(seconds < toleratedSeconds
            ? CheckResult.Ok(kind, detail)
            : CheckResult.Warning(
                kind, detail,
                "start an NTP client (chrony); beyond 15 minutes a first call is rejected, and repeated with the cloud's time"));
    }

    private void CheckPermissions(IReadOnlyList<Permission> permissions)
    {
        var missing = permissions.Where(permission => permission.State is PermissionState.Denied or PermissionState.Blocked).ToList();
        foreach (var permission in missing) results.AddMissingPermission(new MissingRamAction(permission.Action, "*"));
        var state = missing.Count > 0 ? CheckState.Warning : CheckState.Ok;
        // Without such a permission nothing works.
        if (missing.Any(permission => permission.LostWithout.Length == 0)) state = CheckState.Problem;
        var notGranted = permissions.Where(permission => permission.State != PermissionState.Granted).ToList();
        // Nothing works without such an action, and the API did not say whether it is allowed.
        if (missing.Count == 0 && notGranted.Any(permission => permission.LostWithout.Length == 0)) state = CheckState.Unknown;
        results.Add(new CheckResult(CheckKind.RamPermissions, state, Summarize(permissions, notGranted, missing))
        {
            Lines = DescribeNotGranted(notGranted),
            Advice = missing.Count > 0 ? "grant the missing permissions with the policy below" : "",
        });
    }

    private static string Summarize(
        IReadOnlyList<Permission> permissions, List<Permission> notGranted, List<Permission> missing)
    {
        var granted = permissions.Count - notGranted.Count;
        var unknown = notGranted.Count - missing.Count;
        if (unknown == permissions.Count) return $"unknown for all {unknown} actions";
        return $"{granted} of {permissions.Count} actions are allowed{(unknown > 0 ? $", {unknown} unknown" : "")}";
    }

    /// <summary>One line for each action, or one for all of them if they failed for the same reason.</summary>
    private static IReadOnlyList<string> DescribeNotGranted(List<Permission> permissions) =>
        permissions.Count > 1 && permissions.All(each => each.State == PermissionState.Unknown && each.Detail == permissions[0].Detail)
            ? [permissions[0].Detail]
            : [.. permissions.Select(Describe)];

    private static string Describe(Permission permission)
    {
        var state = permission.State switch
        {
            PermissionState.Denied => "missing",
            PermissionState.Blocked => "probably missing",
            _ => "unknown",
        };
        var consequence = permission.LostWithout.Length > 0 ? $"; without it {permission.LostWithout}" : "";
        return $"{permission.Action}: {state}{consequence} ({permission.Detail})";
    }
}
