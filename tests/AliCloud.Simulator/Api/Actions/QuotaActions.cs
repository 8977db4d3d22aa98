using AliCloud.Simulator.State;
using static AliCloud.Simulator.Api.ParameterRule;

namespace AliCloud.Simulator.Api.Actions;

/// <summary>GetProductQuota of the Quotas API (2020-05-10), for the quota of route entries.</summary>
internal static class QuotaActions
{
    private const string RouteEntries = "vpc_quota_route_entrys_num";

    private static readonly ApiError s_unknownDimension = new(
        "QUOTA.DIMENSION.UNSUPPORT", "The entered quota dimension key is not supported.", 400);

    public static ApiAction[] All { get; } =
    [
        new("quotas", "GetProductQuota", Get,
            Text("ProductCode").Mandatory(), Text("QuotaActionCode").Mandatory(),
            ParameterRule.List("Dimensions", 10, Text("Key").Mandatory(), Text("Value").Mandatory())) { IsForm = true },
    ];

    private static ApiResult Get(CloudState state, Parameters call)
    {
        if (call["ProductCode"] != "vpc" || call["QuotaActionCode"] != RouteEntries)
            return new ApiError("QUOTA.NOT.FOUND", "The quota does not exist.", 400);
        // The documentation does not say whether this quota has a dimension for the region. Here it has none, unless a test enables it.
        var dimensions = call.Structures("Dimensions");
        if (state.Settings.RouteEntryQuotaHasRegions)
        {
            if (dimensions.Count == 0) return new ApiError(
                "QUOTA.DIMENSION.MISS", "The entered quota dimension is incomplete,Please complete the dimension.", 400);
            if (dimensions.Count > 1 || dimensions[0]["Key"] != "regionId") return s_unknownDimension;
            if (dimensions[0]["Value"] != state.RegionId)
                return new ApiError("QUOTA.DIMENSION.VALUE.UNSUPPORT", "The entered quota dimension value is not supported.", 400);
        }
        else if (dimensions.Count > 0) return s_unknownDimension;

        return new Done(new
        {
            Quota = new
            {
                ProductCode = "vpc",
                QuotaActionCode = RouteEntries,
                QuotaName = "Number of custom entries in a route table",
                QuotaCategory = "CommonQuota",
                QuotaType = "normal",
                TotalQuota = (double)state.Settings.RouteEntryQuota,
                Adjustable = true,
                QuotaUnit = "COUNT",
            },
        });
    }
}
