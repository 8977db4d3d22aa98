using AliCloud.Simulator.State;
using static AliCloud.Simulator.Api.ParameterRule;

namespace AliCloud.Simulator.Api.Actions;

/// <summary>CreateRouteEntry and CreateRouteEntries.</summary>
internal static class CreateRouteActions
{
    public static ParameterRule NextHopList => List(
        "NextHopList", 16, Text("NextHopId").Mandatory(), OneOf("NextHopType", "InvalidNextHopType", "RouterInterface"),
        Integer("Weight", 0, 255));

    public static ApiAction[] All(ClientTokens tokens) =>
    [
        new("vpc", "CreateRouteEntry", (state, call) => CreateOne(state, call, tokens),
            Text("RegionId"), Text("RouteTableId").Mandatory(), Text("DestinationCidrBlock").Mandatory(),
            OneOf("NextHopType", "InvalidNextHopType", RouteRules.NextHopTypes), Text("NextHopId"),
            NextHopList,
            ClientToken(), Label("RouteEntryName", 128), Label("Description", 256), Boolean("DryRun")),
        new("vpc", "CreateRouteEntries", CreateMany,
            Text("RegionId").Mandatory(), Boolean("DryRun"),
            List("RouteEntries", 50,
                Text("RouteTableId").Mandatory(), Text("DstCidrBlock").Mandatory(), Text("NextHop").Mandatory(),
                OneOf("NextHopType", "InvalidNextHopType", [.. RouteRules.NextHopTypes, "CenBasic"]).Mandatory(),
                OneOf("IpVersion", "IllegalParam.IpVersion", "4", "6"), Label("Name", 128), Label("Description", 256)).Mandatory()),
    ];

    public static ApiResult CreateOne(CloudState state, Parameters call, ClientTokens tokens)
    {
        if (tokens.Find(call) is { } before) return before;
        if (state.FindTable(call["RouteTableId"]) is not { } table) return ApiErrors.UnknownTable;
        if (table.IsGateway) return ApiErrors.GatewayTable;
        if (call.Structures("NextHopList").Count > 0)
            return call["NextHopId"] is null ? ApiErrors.UnknownNextHop : ApiErrors.Invalid("NextHopList", "it excludes NextHopId");
        if (call["NextHopId"] is not { } nextHopId) return ApiErrors.Missing("NextHopId");
        if (RouteRules.ParseDestination(call.Required("DestinationCidrBlock"), out var destination) is { } malformed) return malformed;
        var nextHop = new NextHop(call["NextHopType"] ?? "Instance", nextHopId);
        if (RouteRules.CheckDestination(state, table, destination, strict: false) is { } bad) return bad;
        if (RouteRules.CheckNextHop(state, table.Vpc, nextHop, destination) is { } unusable) return unusable;
        if (call.DryRun) return ApiErrors.DryRunPassed;

        // Busy before duplicate: a repeated call gets TaskConflict until the first one has settled (terraform-provider-alicloud).
        if (state.IsBusy(table.Vpc)) return ApiErrors.TaskConflict;
        if (table.Entries.Exists(e => e.Destination == destination)) return ApiErrors.Duplicate;
        if (RouteRules.IsFull(state, table)) return ApiErrors.Quota;
        var entry = CloudSetupLoader.New(
            state, table, destination, "Custom", nextHop, null, call["RouteEntryName"] ?? "", call["Description"] ?? "");
        state.BeginTransition(entry, EntryState.Pending);
        var done = new Done(new { RouteEntryId = entry.Id });
        tokens.Keep(call, done);
        return done;
    }

    private static ApiResult CreateMany(CloudState state, Parameters call)
    {
        var items = call.Structures("RouteEntries");
        if (BatchRules.FindVpc(state, items, out var vpc) is { } error) return error;
        if (call.DryRun) return ApiErrors.DryRunPassed;
        if (state.IsBusy(vpc)) return ApiErrors.TaskConflict;

        var created = new List<RouteEntry>();
        var failed = new List<object>();
        foreach (var item in items)
        {
            var problem = TryCreate(state, item, created);
            if (problem is not null)
            {
                failed.Add(new
                {
                    DstCidrBlock = item["DstCidrBlock"],
                    NextHop = item["NextHop"],
                    FailedCode = problem.Code,
                    FailedMessage = problem.Message,
                });
            }
        }

        foreach (var entry in created) state.BeginTransition(entry, EntryState.Pending);
        return new Done(new
        {
            SuccessCount = created.Count,
            FailedCount = failed.Count,
            RouteEntryIds = created.Select(e => e.Id),
            FailedRouteEntries = failed,
        });
    }

    private static ApiError? TryCreate(CloudState state, Parameters item, List<RouteEntry> created)
    {
        var table = state.FindTable(item["RouteTableId"])!;
        var text = item.Required("DstCidrBlock");
        if (RouteRules.ParseDestination(text, out var destination) is { } malformed) return malformed;
        if (Ipv6Rules.CheckVersion(destination, item["IpVersion"]) is { } mismatch) return mismatch;
        var nextHop = new NextHop(item.Required("NextHopType"), item.Required("NextHop"));
        if (RouteRules.CheckDestination(state, table, destination, strict: true) is { } bad) return bad;
        if (RouteRules.CheckNextHop(state, table.Vpc, nextHop, destination) is { } unusable) return unusable;
        if (table.Entries.Exists(e => e.Destination == destination))
            return new ApiError("VPC_ROUTE_ENTRY_CIDR_BLOCK_DUPLICATE", $"Specified CIDR block is already exists, entry.cidrBlock={text}");
        if (RouteRules.IsFull(state, table)) return ApiErrors.Quota;
        created.Add(CloudSetupLoader.New(
            state, table, destination, "Custom", nextHop, null, item["Name"] ?? "", item["Description"] ?? ""));
        return null;
    }
}
