using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;

namespace Flannel.AliCloud;

/// <summary>Short forms of reads.</summary>
public static class CloudApiReads
{
    /// <summary>All entries of a table.</summary>
    public static Task<CloudResult<IReadOnlyList<RouteEntry>>> DescribeRouteEntryListAsync(
        this ICloudApi api, string regionId, string routeTableId, CancellationToken cancellation) =>
        api.DescribeRouteEntryListAsync(regionId, new RouteEntryQuery(routeTableId), cancellation);
}
