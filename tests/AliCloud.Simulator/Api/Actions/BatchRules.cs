using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Api.Actions;

/// <summary>Rules whose violation fails a whole batch instead of one entry.</summary>
internal static class BatchRules
{
    /// <summary>All tables must exist, serve vSwitches, and belong to one VPC: the lock that serializes the writes belongs to the
    /// VPC.</summary>
    public static ApiError? FindVpc(CloudState state, IReadOnlyList<Parameters> items, out Vpc vpc)
    {
        vpc = null!;
        foreach (var item in items)
        {
            if (state.FindTable(item["RouteTableId"]) is not { } table) return ApiErrors.UnknownTable;
            if (table.IsGateway) return ApiErrors.GatewayTable;
            vpc ??= table.Vpc;
            if (vpc != table.Vpc) return ApiErrors.Invalid("RouteEntries", "route tables of two VPCs");
        }

        return null;
    }
}
