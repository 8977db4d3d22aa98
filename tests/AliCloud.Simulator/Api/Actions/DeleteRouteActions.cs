using AliCloud.Simulator.State;
using static AliCloud.Simulator.Api.ParameterRule;

namespace AliCloud.Simulator.Api.Actions;

/// <summary>DeleteRouteEntry and DeleteRouteEntries.</summary>
internal static class DeleteRouteActions
{
    public static ParameterRule NextHopList => List("NextHopList", 16, Text("NextHopId").Mandatory(), Text("NextHopType"));

    public static ApiAction[] All { get; } =
    [
        new("vpc", "DeleteRouteEntry", DeleteOne,
            Text("RegionId"), Text("RouteEntryId"), Text("RouteTableId"), Text("DestinationCidrBlock"), Text("NextHopId"),
            NextHopList, Boolean("DryRun")),
        new("vpc", "DeleteRouteEntries", DeleteMany,
            Text("RegionId").Mandatory(), Boolean("DryRun"),
            List("RouteEntries", 50, Text("RouteTableId").Mandatory(), Text("RouteEntryId"), Text("DstCidrBlock"),
                Text("NextHop")).Mandatory()),
    ];

    public static ApiResult DeleteOne(CloudState state, Parameters call)
    {
        if (EntryReference.Find(state, call, nextHopToo: true, out var entry) is { } error) return error;
        if (Protected(entry) is { } denied) return denied;
        if (call.DryRun) return ApiErrors.DryRunPassed;
        if (entry.Status != EntryState.Available) return ApiErrors.EntryStatus;
        if (state.IsBusy(entry.Table.Vpc)) return ApiErrors.TaskConflict;
        state.BeginTransition(entry, EntryState.Deleting);
        return Done.Nothing;
    }

    private static ApiResult DeleteMany(CloudState state, Parameters call)
    {
        var items = call.Structures("RouteEntries");
        foreach (var item in items)
        {
            if (item["RouteEntryId"] is null && item["DstCidrBlock"] is null) return ApiErrors.Missing("RouteEntries.N.RouteEntryId");
            if (item["RouteEntryId"] is null && item["NextHop"] is null) return ApiErrors.Missing("RouteEntries.N.NextHop");
        }

        if (BatchRules.FindVpc(state, items, out var vpc) is { } error) return error;
        if (call.DryRun) return ApiErrors.DryRunPassed;
        if (state.IsBusy(vpc)) return ApiErrors.TaskConflict;

        var deleted = new List<RouteEntry>();
        var failed = new List<object>();
        foreach (var item in items)
        {
            var problem = TryDelete(state, item, deleted);
            if (problem is not null)
            {
                failed.Add(new
                {
                    RouteEntryId = item["RouteEntryId"] ?? "",
                    DstCidrBlock = item["DstCidrBlock"] ?? "",
                    NextHop = item["NextHop"] ?? "",
                    FailedCode = problem.Code,
                    FailedMessage = problem.Message,
                });
            }
        }

        foreach (var entry in deleted) state.BeginTransition(entry, EntryState.Deleting);
        return new Done(new { SuccessCount = deleted.Count, FailedCount = failed.Count, FailedRouteEntries = failed });
    }

    private static ApiError? TryDelete(CloudState state, Parameters item, List<RouteEntry> deleted)
    {
        var table = state.FindTable(item["RouteTableId"])!;
        var entry = table.Entries.Find(e =>
            (item["RouteEntryId"] is null || e.Id == item["RouteEntryId"])
            && (item["DstCidrBlock"] is null || e.Destination.ToString() == item["DstCidrBlock"])
            && (item["NextHop"] is null || e.NextHop.Id == item["NextHop"]));
        if (entry is null) return new ApiError("VPC_ROUTER_ENTRY_NOT_EXIST", "vRouterEntry not exists");
        if (Protected(entry) is { } denied) return denied;
        if (deleted.Contains(entry)) return new ApiError("VPC_ROUTE_ENTRY_STATUS_ERROR", "Specified routeEntry status error.");
        deleted.Add(entry);
        return null;
    }

    private static ApiError? Protected(RouteEntry entry) =>
        entry.Type != "Custom" ? ApiErrors.SystemEntry : entry.ServiceType is not null ? ApiErrors.ManagedEntry : null;
}
