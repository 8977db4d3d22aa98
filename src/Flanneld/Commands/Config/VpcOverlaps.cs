using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Http;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.RouteController.Inventory;
using Flannel.RouteController.Planning;
using Flanneld.Backends;
using Flanneld.Clients;
using Flanneld.Options;

namespace Flanneld.Commands.Config;

/// <summary>The ranges of VPCs that a network configuration overlaps.</summary>
/// <param name="Overlaps">One line each.</param>
/// <param name="NotChecked">What could not be compared, one line each.</param>
/// <param name="AccessKey">Whether the API accepts the access key of the configuration, one line; null without one.</param>
internal sealed record VpcOverlapResult(IReadOnlyList<string> Overlaps, IReadOnlyList<string> NotChecked, string? AccessKey);

/// <summary>Compares a network configuration with the ranges of the VPCs of the leases, and of this instance. If the API is unavailable,
/// with the ranges of the vSwitches that the route controller published.</summary>
/// <param name="state">Null if etcd could not be read.</param>
internal sealed class VpcOverlaps(DaemonOptions options, Connections connections, SubnetState? state, ClientContext context)
{
    /// <summary>For all calls to the API of one VPC. It is longer than the pauses after throttled calls, so that their error is that of the
    /// API, and not a missing response.</summary>
    private static readonly TimeSpan LongestRead = RetryingCloudReads.Limit + TimeSpan.FromSeconds(20);

    private readonly List<string> overlaps = [];
    private readonly List<string> notChecked = [];

    /// <summary>The result of the last call whose response says whether the key is valid; null before. A key without the permission for
    /// the call is valid.</summary>
    private bool? isKeyAccepted;

    private string keyError = "no VPC is known to try it with";

    public async Task<VpcOverlapResult> FindAsync(NetworkConfig config, IBackend backend, CancellationToken cancellation)
    {
        IReadOnlyList<IpNetwork> networks = config.Ipv6 is { } ipv6 ? [config.Network, ipv6.Network] : [config.Network];
        var settings = (backend as AliVpcBackend)?.Config ?? AliVpcBackendConfig.Empty;
        var own = await OwnVpc.ReadAsync(options, connections, cancellation);
        var vpcs = FindVpcsOfLeases().ToList();
        if (own.Ok) vpcs.Add(own.Value);
        if (vpcs.Count == 0) notChecked.Add($"the ranges of the VPC: {own.Error}");
        using var cloud = connections.OpenCloud(settings);
        foreach (var vpc in vpcs.Distinct())
            await CompareAsync(networks, vpc with { RegionId = settings.RegionId ?? vpc.RegionId }, cloud, cancellation);
        return new VpcOverlapResult([.. overlaps.Distinct()], notChecked, settings.AccessKey is null ? null : DescribeAccessKey());
    }

    private string DescribeAccessKey() => isKeyAccepted switch
    {
        true => "the access key was tried: the API accepts it",
        false => $"warning: the access key was tried, and the API rejects it: {keyError}",
        null => $"the access key was not tried: {keyError}",
    };

    private IEnumerable<VpcId> FindVpcsOfLeases() => (state?.Leases ?? [])
        .Select(lease => AliVpcBackendData.Parse(lease.Attributes.BackendData))
        .OfType<AliVpcBackendData>()
        .Select(VpcId.Of);

    private async Task CompareAsync(IReadOnlyList<IpNetwork> networks, VpcId vpc, CloudAccess cloud, CancellationToken cancellation)
    {
        var ranges = await ReadRangesAsync(vpc, cloud, cancellation);
        if (ranges.Ok)
        {
            overlaps.AddRange(networks.SelectMany(ranges.Value.Warnings).Select(line => $"{line} ({vpc.Id})"));
            return;
        }

        var published = state?.VSwitches.GetValueOrDefault(vpc.Id) ?? [];
        notChecked.Add($"the ranges of {vpc.Id}: {ranges.Error}"
            + (published.Count > 0 ? "; compared with the vSwitches that the route controller published" : ""));
        foreach (var range in published)
        {
            overlaps.AddRange(networks.Where(network => network.Overlaps(range))
                .Select(network => $"network {network} overlaps {range} of a vSwitch ({vpc.Id})"));
        }
    }

    private async Task<Result<CidrConflictCheck>> ReadRangesAsync(VpcId vpc, CloudAccess cloud, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(LongestRead, context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            var api = new RetryingCloudReads(cloud.Api, context.Time, context.Random);
            var attributes = await api.DescribeVpcAttributeAsync(vpc.RegionId, vpc.Id, either.Token);
            RecordKey(cloud.Credentials.Provider, attributes.Error);
            if (attributes.Error is { } error) return Result.Failure(error.Summary);
            var vSwitches = await api.DescribeVSwitchesAsync(vpc.RegionId, vpc.Id, either.Token);
            return vSwitches.Error is { } other
                ? Result.Failure(other.Summary)
                : CidrConflictCheck.Of(attributes.Value!, vSwitches.Value!);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            keyError = $"no response from the VPC API within {LongestRead.TotalSeconds:0} s";
            return Result.Failure(keyError);
        }
    }

    /// <param name="provider">Of the key that signed the call.</param>
    private void RecordKey(string? provider, CloudError? error)
    {
        if (provider is not null && !provider.Contains(BackendConfigProvider.Origin, StringComparison.Ordinal))
        {
            keyError = $"this host uses the key from {provider}";
            return;
        }

        if (error is null or { Kind: CloudErrorKind.Denied, IsProxyRejection: false }) isKeyAccepted = true;
        else keyError = error.Summary;
        if (error is { Kind: CloudErrorKind.RefreshCredentials, HttpStatus: not 0 }) isKeyAccepted = false;
    }
}
