using System.Collections.Concurrent;

namespace Flannel.AliCloud.Http;

/// <summary>The hosts of a service in a region: the one that was configured; else the VPC-internal one, and the public one where the internal name
/// does not resolve. A node without a way to the Internet needs the internal one.</summary>
/// <param name="configured">By service; null for the region's own hosts.</param>
internal sealed class CloudEndpoints(Func<CloudService, CloudEndpoint?> configured, TimeProvider time)
{
    /// <summary>How long the public host is preferred after the internal name did not resolve.</summary>
    private static readonly TimeSpan PublicFor = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<Place, PublicTime> publicSince = new();

    private sealed record Place(CloudService Service, string RegionId);

    private sealed record PublicTime(long Since);

    /// <returns>In the order in which to try them; none when the region's name is not one.</returns>
    public IReadOnlyList<CloudEndpoint> Candidates(CloudService service, string regionId)
    {
        if (configured(service) is { } only) return [only];
        if (regionId.Length == 0 && service == CloudService.Sts) return [CloudEndpoint.ForHost("sts.aliyuncs.com")];
        if (!ResourceIdFormat.IsRegion(regionId)) return [];
        if (service == CloudService.Quotas) return QuotasOf(regionId);
        var product = service.Name();
        var inside = CloudEndpoint.ForHost($"{product}-vpc.{regionId}.aliyuncs.com");
        var open = CloudEndpoint.ForHost(PublicHosts.Exception(service, regionId) ?? $"{product}.{regionId}.aliyuncs.com");
        if (open == inside) return [inside];
        return publicSince.TryGetValue(new Place(service, regionId), out var preferred) && time.GetElapsedTime(preferred.Since) < PublicFor
            ? [open, inside]
            : [inside, open];
    }

    /// <summary>One service for all regions; few can reach it without the Internet.</summary>
    private static CloudEndpoint[] QuotasOf(string regionId)
    {
        var central = CloudEndpoint.ForHost("quotas.aliyuncs.com");
        return regionId is "cn-hangzhou" or "cn-shanghai" or "ap-southeast-1" ? [CloudEndpoint.ForHost($"quotas-vpc.{regionId}.aliyuncs.com"), central] : [central];
    }

    /// <summary>The internal name did not resolve, and the public host answered.</summary>
    public void PreferPublic(CloudService service, string regionId) =>
        publicSince[new Place(service, regionId)] = new PublicTime(time.GetTimestamp());
}
