using AliCloud.Simulator.State;
using static AliCloud.Simulator.Api.ParameterRule;

namespace AliCloud.Simulator.Api.Actions;

/// <summary>The actions of VPC routes in the ECS API, which flannel v0.19.2 calls. They are deprecated and still documented; a permission
/// is that of the VPC API. flanneld calls none of them.</summary>
internal static class EcsCopyActions
{
    public static ApiAction[] All(ClientTokens tokens) =>
    [
        Copy("DescribeVpcs", ListVpcs,
            Text("RegionId").Mandatory(), Text("VpcId"), Boolean("IsDefault"), Paging.Number, Paging.Size(50)),
        Copy("DescribeVRouters", ListRouters, Text("RegionId").Mandatory(), Text("VRouterId"), Paging.Number, Paging.Size(50)),
        Copy("DescribeRouteTables", ListTables,
            Text("RegionId"), Text("VRouterId"), Text("RouteTableId"), OneOf("RouterType", null, "VRouter", "VBR"), Text("RouterId"),
            Text("RouteTableName"), Paging.Number, Paging.Size(50)),
        Copy("CreateRouteEntry",
            (state, call) => CreateRouteActions.CreateOne(state, call, tokens) is ApiError error ? error : Done.Nothing,
            Text("RegionId"), Text("RouteTableId").Mandatory(), Text("DestinationCidrBlock").Mandatory(),
            OneOf("NextHopType", "InvalidNextHopType", RouteRules.NextHopTypes), Text("NextHopId"), CreateRouteActions.NextHopList,
            ClientToken()),
        Copy("DeleteRouteEntry", DeleteRouteActions.DeleteOne,
            Text("RegionId"), Text("RouteTableId").Mandatory(), Text("DestinationCidrBlock").Mandatory(), Text("NextHopId"),
            DeleteRouteActions.NextHopList),
    ];

    private static ApiAction Copy(string name, Func<CloudState, Parameters, ApiResult> run, params IReadOnlyList<ParameterRule> rules) =>
        new("ecs", name, run, rules) { IsEcsCopy = true };

    private static Done ListVpcs(CloudState state, Parameters call)
    {
        var page = state.Vpcs.Where(v => (call["VpcId"] is null || v.Id == call["VpcId"]) && call.Boolean("IsDefault") != true).Page(call);
        return new Done(new
        {
            PageNumber = page.Number,
            PageSize = page.Size,
            TotalCount = page.Total,
            Vpcs = new
            {
                Vpc = page.Items.Select(v => new
                {
                    VpcId = v.Id,
                    VRouterId = v.RouterId,
                    state.RegionId,
                    CidrBlock = v.Cidr.ToString(),
                    UserCidrs = new { UserCidr = v.UserCidrs },
                    VSwitchIds = new { VSwitchId = v.VSwitches.Select(s => s.Id) },
                    Status = "Available",
                    IsDefault = false,
                    VpcName = "",
                    Description = "",
                }),
            },
        });
    }

    private static Done ListRouters(CloudState state, Parameters call)
    {
        var page = state.Vpcs.Where(v => call["VRouterId"] is null || v.RouterId == call["VRouterId"]).Page(call);
        return new Done(new
        {
            PageNumber = page.Number,
            PageSize = page.Size,
            TotalCount = page.Total,
            VRouters = new
            {
                VRouter = page.Items.Select(v => new
                {
                    VRouterId = v.RouterId,
                    VpcId = v.Id,
                    state.RegionId,
                    RouteTableIds = new { RouteTableId = v.Tables.Select(t => t.Id) },
                    VRouterName = "",
                    Description = "",
                }),
            },
        });
    }

    private static ApiResult ListTables(CloudState state, Parameters call)
    {
        if ((call["VRouterId"] ?? call["RouteTableId"] ?? call["RouterId"] ?? call["RouteTableName"]) is null)
            return ApiErrors.Missing("VRouterId");
        var tables = state.Tables.Where(t =>
            (call["VRouterId"] is null || t.Vpc.RouterId == call["VRouterId"])
            && (call["RouterId"] is null || t.Vpc.RouterId == call["RouterId"])
            && (call["RouterType"] is null or "VRouter")
            && (call["RouteTableId"] is null || t.Id == call["RouteTableId"])
            && (call["RouteTableName"] is null || t.Name == call["RouteTableName"])).ToList();
        if (tables.Exists(t => t.IsGateway)) return ApiErrors.GatewayTableOfList;
        var page = tables.Page(call);
        return new Done(new
        {
            PageNumber = page.Number,
            PageSize = page.Size,
            TotalCount = page.Total,
            RouteTables = new { RouteTable = page.Items.Select(t => Write(state, t)) },
        });
    }

    private static object Write(CloudState state, RouteTable table) => new
    {
        RouteTableId = table.Id,
        VRouterId = table.Vpc.RouterId,
        RouteTableType = table.Type,
        ResourceGroupId = "",
        RouteEntrys = new { RouteEntry = table.Entries.OrderBy(e => e.Ordinal).Select(e => Write(state, e)) },
    };

    private static object Write(CloudState state, RouteEntry entry) => new
    {
        RouteTableId = entry.Table.Id,
        DestinationCidrBlock = entry.Destination.ToString(),
        entry.Type,
        Status = entry.Status.ToString(),
        NextHopType = entry.NextHop.Type,
        InstanceId = entry.NextHop.Type == "Instance" ? entry.NextHop.Id : "",
        NextHops = new
        {
            NextHop = new[]
            {
                new
                {
                    NextHopId = entry.NextHop.Id,
                    NextHopType = entry.NextHop.Type,
                    Enabled = RouteEntryListing.Exists(state, entry.NextHop) ? 1 : 0,
                    Weight = 0,
                },
            },
        },
    };
}
