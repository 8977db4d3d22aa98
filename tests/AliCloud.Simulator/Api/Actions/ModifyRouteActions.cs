using AliCloud.Simulator.State;
using static AliCloud.Simulator.Api.ParameterRule;

namespace AliCloud.Simulator.Api.Actions;

/// <summary>ModifyRouteEntry: the next hop changes in place; the old one forwards until the entry has settled.</summary>
internal static class ModifyRouteActions
{
    public static ApiAction[] All { get; } =
    [
        new("vpc", "ModifyRouteEntry", Modify,
            Text("RegionId").Mandatory(), Text("RouteEntryId"), Text("RouteTableId"), Text("DestinationCidrBlock"), Text("NewNextHopId"),
            OneOf("NewNextHopType", "InvalidNextHopType", RouteRules.NextHopTypes), Label("RouteEntryName", 128), Label("Description", 256),
            Boolean("DryRun")),
    ];

    private static ApiResult Modify(CloudState state, Parameters call)
    {
        if (EntryReference.Find(state, call, nextHopToo: false, out var entry) is { } error) return error;
        if (entry.Type != "Custom") return ApiErrors.SystemEntry;
        if (entry.ServiceType is not null) return ApiErrors.ManagedEntry;
        if (call["NewNextHopType"] is not null && call["NewNextHopId"] is null) return ApiErrors.Missing("NewNextHopId");
        if (call["NewNextHopId"] is null && call["RouteEntryName"] is null && call["Description"] is null) return ApiErrors.Missing(
            "NewNextHopId");

        NextHop? nextHop = call["NewNextHopId"] is { } id ? new NextHop(call["NewNextHopType"] ?? entry.NextHop.Type, id) : null;
        if (nextHop is { } requested)
        {
            if (RouteRules.CheckNextHop(state, entry.Table.Vpc, requested, entry.Destination) is { } unusable) return unusable;
            if (requested == entry.NextHop && entry.Status == EntryState.Available) return ApiErrors.NextHopUnchanged;
        }

        if (call.DryRun) return ApiErrors.DryRunPassed;
        if (entry.Status != EntryState.Available) return ApiErrors.EntryStatus;
        if (state.IsBusy(entry.Table.Vpc)) return ApiErrors.TaskConflict;
        entry.Name = call["RouteEntryName"] ?? entry.Name;
        entry.Description = call["Description"] ?? entry.Description;
        entry.NextHopAfter = nextHop;
        state.BeginTransition(entry, EntryState.Modifying);
        return Done.Nothing;
    }
}
