using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Api.Actions;

/// <summary>What refuses a whole batch rather than one of its entries.</summary>
internal static class BatchRules
{
    /// <summary>All tables must be there, serve vSwitches, and be of one VPC: the lock that serialises the writes is the VPC's.</summary>
    public static Refused? FindVpc(CloudState state, IReadOnlyList<Parameters> items, out Vpc vpc)
    {
        vpc = null!;
        foreach (var item in items)
        {
            if (state.FindTable(item["RouteTableId"]) is not { } table) return Refusals.UnknownTable;
            if (table.IsGateway) return Refusals.GatewayTable;
            vpc ??= table.Vpc;
            if (vpc != table.Vpc) return Refusals.Invalid("RouteEntries", "route tables of two VPCs");
        }

        return null;
    }
}
