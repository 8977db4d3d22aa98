using Flannel.AliCloud.Http;

namespace Flannel.AliCloud.Quotas;

/// <summary>Reads a quota with the Quotas API (2020-05-10).</summary>
internal sealed class QuotasApi(ApiClient client)
{
    public async Task<CloudResult<RouteEntryQuota>> ReadRouteEntryQuotaAsync(string regionId, CancellationToken cancellation)
    {
        if (client.Options is { VpcEndpoint: not null, QuotasEndpoint: null })
        {
            return CloudResult.Failed<RouteEntryQuota>(
                CloudErrors.InvalidRequest("the Quotas API is not called: the VPC endpoint is configured, the Quotas endpoint is not"));
        }

        using var deadline = client.StartDeadline(cancellation);
        // The documentation does not say whether this quota has a dimension for the region. If it has none, the API rejects the dimension.
        var withRegion = QuotaCall(regionId);
        withRegion.With("Dimensions.1.Key", "regionId").With("Dimensions.1.Value", withRegion.RegionId);
        var result = await SendAsync(withRegion, deadline);
        return result.Error is { Kind: CloudErrorKind.Fatal or CloudErrorKind.Unknown }
            ? await SendAsync(QuotaCall(regionId), deadline)
            : result;
    }

    private CloudCall QuotaCall(string regionId) =>
        client.Form("GetProductQuota", regionId).With("ProductCode", "vpc").With("QuotaActionCode", RouteEntryQuota.Code);

    private async Task<CloudResult<RouteEntryQuota>> SendAsync(CloudCall call, CallDeadline deadline)
    {
        var result = await client.SendAsync(call, QuotasJson.Default.QuotaResponse, deadline);
        if (result.Error is { } error) return CloudResult.Failed<RouteEntryQuota>(error);
        var quota = result.Value!.Quota;
        return quota is { QuotaActionCode: RouteEntryQuota.Code, TotalQuota: >= 0 and <= RouteEntryQuota.MaxTotal and var total }
            ? CloudResult.Success(new RouteEntryQuota(total), result.RequestId)
            : ApiClient.Incomplete<RouteEntryQuota>(call, result.RequestId, "the quota");
    }
}
