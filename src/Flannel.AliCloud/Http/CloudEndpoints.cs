using System.Collections.Concurrent;

namespace Flannel.AliCloud.Http;

/// <summary>The hosts of a service in a region: the configured one; otherwise the VPC-internal host, and the public host if the internal
/// name does not resolve. A node without Internet access needs the internal host. Thread-safe.</summary>
/// <param name="configured">The endpoint of a service; null for the region's hosts.</param>
internal sealed class CloudEndpoints(Func<CloudService, CloudEndpoint?> configured, TimeProvider time)
{
    /// <summary>How long the public host is preferred after the internal name did not resolve.</summary>
    private static readonly TimeSpan PreferPublicFor = TimeSpan.FromMinutes(10);

    /// <summary>Monotonic time since which the public host is preferred.</summary>
    private readonly ConcurrentDictionary<RegionalService, Since> publicSince = new();

    private sealed record RegionalService(CloudService Service, string RegionId);

    private sealed record Since(long Timestamp);

    /// <returns>The hosts in the order in which to try them; none if <paramref name="regionId"/> is invalid.</returns>
    public IReadOnlyList<CloudEndpoint> Candidates(CloudService service, string regionId)
    {
        if (configured(service) is { } endpoint) return [endpoint];
        if (regionId.Length == 0 && service == CloudService.Sts) return [CloudEndpoint.ForHost("sts.aliyuncs.com")];
        if (!ResourceIdFormat.IsRegionId(regionId)) return [];
        if (service == CloudService.Quotas) return QuotasCandidates(regionId);
        var product = service.Name();
        var internalHost = CloudEndpoint.ForHost($"{product}-vpc.{regionId}.aliyuncs.com");
        var publicHost = CloudEndpoint.ForHost(PublicHosts.Find(service, regionId) ?? $"{product}.{regionId}.aliyuncs.com");
        if (publicHost == internalHost) return [internalHost];
        var prefersPublic = publicSince.TryGetValue(new RegionalService(service, regionId), out var since)
            && time.GetElapsedTime(since.Timestamp) < PreferPublicFor;
        return prefersPublic ? [publicHost, internalHost] : [internalHost, publicHost];
    }

    /// <summary>Called when the internal name did not resolve and the public host responded.</summary>
    public void PreferPublic(CloudService service, string regionId) =>
        publicSince[new RegionalService(service, regionId)] = new Since(time.GetTimestamp());

    /// <summary>The Quotas API is one service for all regions; only these regions have an internal host.</summary>
    private static CloudEndpoint[] QuotasCandidates(string regionId)
    {
        var central = CloudEndpoint.ForHost("quotas.aliyuncs.com");
        return regionId is "cn-hangzhou" or "cn-shanghai" or "ap-southeast-1"
            ? [CloudEndpoint.ForHost($"quotas-vpc.{regionId}.aliyuncs.com"), central]
            : [central];
    }
}
