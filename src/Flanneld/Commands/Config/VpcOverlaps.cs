using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.RouteController.Planning;
using Flanneld.Backends;
using Flanneld.Clients;
using Flanneld.Options;

namespace Flanneld.Commands.Config;

/// <summary>The ranges of VPCs that a network configuration overlaps.</summary>
/// <param name="Overlaps">One line each.</param>
/// <param name="NotChecked">What could not be compared, one line each.</param>
internal sealed record VpcOverlapResult(IReadOnlyList<string> Overlaps, IReadOnlyList<string> NotChecked);

/// <summary>Compares a network configuration with the ranges of the VPCs of the leases, and of this instance. If the API is unavailable,
/// with the ranges of the vSwitches that the route controller published.</summary>
/// <param name="state">Null if etcd could not be read.</param>
internal sealed class VpcOverlaps(DaemonOptions options, Connections connections, SubnetState? state, TimeProvider time)
{
    /// <summary>For all calls to the API of one VPC: it retries what can recover.</summary>
    private static readonly TimeSpan LongestRead = TimeSpan.FromSeconds(20);

    private readonly List<string> overlaps = [];
    private readonly List<string> notChecked = [];

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
        return new VpcOverlapResult([.. overlaps.Distinct()], notChecked);
    }

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
        using var limit = new CancellationTokenSource(LongestRead, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            var attributes = await cloud.Api.DescribeVpcAttributeAsync(vpc.RegionId, vpc.Id, either.Token);
            if (attributes.Error is { } error) return Result.Failure(error.Summary);
            var vSwitches = await cloud.Api.DescribeVSwitchesAsync(vpc.RegionId, vpc.Id, either.Token);
            return vSwitches.Error is { } other
                ? Result.Failure(other.Summary)
                : CidrConflictCheck.Of(attributes.Value!, vSwitches.Value!);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Result.Failure($"no response from the VPC API within {LongestRead.TotalSeconds:0} s");
        }
    }
}
