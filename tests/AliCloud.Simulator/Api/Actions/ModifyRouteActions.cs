using AliCloud.Simulator.State;
using static AliCloud.Simulator.Api.ParameterRule;

namespace AliCloud.Simulator.Api.Actions;

/// <summary>ModifyRouteEntry: the next hop changes in place, and the old one carries the traffic until it has.</summary>
internal static class ModifyRouteActions
{
    public static ApiAction[] All { get; } =
    [
        new("vpc", "ModifyRouteEntry", Modify,
            Text("RegionId").Mandatory(), Text("RouteEntryId"), Text("RouteTableId"), Text("DestinationCidrBlock"), Text("NewNextHopId"),
            OneOf("NewNextHopType", "InvalidNextHopType", RouteRules.NextHopTypes), Label("RouteEntryName", 128), Label("Description", 256),
            Boolean("DryRun")),
    ];

    private static ApiAnswer Modify(CloudState state, Parameters call)
    {
        if (EntryReference.Find(state, call, nextHopToo: false, out var entry) is { } refusal) return refusal;
        if (entry.Type != "Custom") return Refusals.SystemEntry;
        if (entry.ServiceType is not null) return Refusals.ManagedEntry;
        if (call["NewNextHopType"] is not null && call["NewNextHopId"] is null) return Refusals.Missing("NewNextHopId");
        if (call["NewNextHopId"] is null && call["RouteEntryName"] is null && call["Description"] is null) return Refusals.Missing("NewNextHopId");

        NextHop? nextHop = call["NewNextHopId"] is { } id ? new NextHop(call["NewNextHopType"] ?? entry.NextHop.Type, id) : null;
        if (nextHop is { } wanted)
        {
            if (RouteRules.CheckNextHop(state, entry.Table.Vpc, wanted) is { } unusable) return unusable;
            if (wanted == entry.NextHop && entry.Status == EntryState.Available) return Refusals.NextHopUnchanged;
        }

        if (call.DryRun) return Refusals.DryRunPassed;
        if (entry.Status != EntryState.Available) return Refusals.EntryStatus;
        if (state.IsBusy(entry.Table.Vpc)) return Refusals.TaskConflict;
        entry.Name = call["RouteEntryName"] ?? entry.Name;
        entry.Description = call["Description"] ?? entry.Description;
        entry.NextHopAfter = nextHop;
        state.Unsettle(entry, EntryState.Modifying);
        return Done.Nothing;
    }
}
