using AliCloud.Simulator.State;
using static AliCloud.Simulator.Api.ParameterRule;

namespace AliCloud.Simulator.Api.Actions;

/// <summary>DescribeRouteTableList and GetVpcRouteEntrySummary.</summary>
internal static class TableActions
{
    private static readonly string[] EntryTypes = ["all", "custom", "system", "bgp", "cen", "ECR"];

    public static ApiAction[] All { get; } =
    [
        new("vpc", "DescribeRouteTableList", List,
            Text("RegionId").Mandatory(), Text("VpcId"), Text("RouterId"), OneOf("RouterType", null, "VRouter", "VBR"),
                Text("RouteTableId"),
            Text("RouteTableName"), OneOf("RouteTableType", null, "System", "Custom"), Text("ResourceGroupId"),
            ParameterRule.List("Tag", 20, Text("Key").Mandatory(), Text("Value")), Paging.Number, Paging.Size(50)),
        new("vpc", "GetVpcRouteEntrySummary", Summarize,
            Text("RegionId").Mandatory(), Text("VpcId").Mandatory(),
                OneOf("RouteEntryType", "IllegalParam.RouteEntryType", EntryTypes).Mandatory(),
            Text("RouteTableId")),
    ];

    private static Done List(CloudState state, Parameters call)
    {
        var tables = state.Tables.Where(t =>
            (call["VpcId"] is null || t.Vpc.Id == call["VpcId"])
            && (call["RouterId"] is null || t.Vpc.RouterId == call["RouterId"])
            && (call["RouterType"] is null or "VRouter")
            && (call["RouteTableId"] is null || t.Id == call["RouteTableId"])
            && (call["RouteTableName"] is null || t.Name == call["RouteTableName"])
            && (call["RouteTableType"] is null || t.Type == call["RouteTableType"])
            && call["ResourceGroupId"] is null && call.Structures("Tag").Count == 0); // tables have no group and no tag here
        var page = tables.Page(call);
        return new Done(new
        {
            PageNumber = page.Number,
            PageSize = page.Size,
            TotalCount = page.Total,
            Code = "",
            Message = "",
            Success = true,
            RouterTableList = new { RouterTableListType = page.Items.Select(t => Write(state, t)) },
        });
    }

    private static object Write(CloudState state, RouteTable t) => new
    {
        RouteTableId = t.Id,
        RouteTableName = t.Name,
        RouteTableType = t.Type,
        t.Vpc.RouterId,
        RouterType = "VRouter",
        VpcId = t.Vpc.Id,
        Status = "Available",
        t.AssociateType,
        OwnerId = state.AccountId,
        Description = "",
        ResourceGroupId = "",
        VSwitchIds = new { VSwitchId = t.VSwitches.Select(v => v.Id) },
        GatewayIds = new { GatewayIds = Array.Empty<string>() },
        Tags = new { Tag = Array.Empty<object>() },
        RoutePropagationEnable = true,
    };

    private static ApiResult Summarize(CloudState state, Parameters call)
    {
        if (state.FindVpc(call["VpcId"]) is not { } vpc) return ApiErrors.UnknownVpcId;
        if (call["RouteTableId"] is { } id && !vpc.Tables.Exists(t => t.Id == id)) return ApiErrors.UnknownTable;
        var asked = call.Required("RouteEntryType");
        return new Done(new
        {
            RouteEntrySummarys = vpc.Tables.Where(t => call["RouteTableId"] is null || t.Id == call["RouteTableId"]).Select(t => new
            {
                RouteTableId = t.Id,
                EntrySummarys = (asked == "all" ? EntryTypes.Skip(1) : [asked])
                    .Select(kind => new
                    {
                        RouteEntryType = kind,
                        Count = t.Entries.Count(e => e.Type.Equals(kind, StringComparison.OrdinalIgnoreCase))
                    }),
            }),
        });
    }
}
