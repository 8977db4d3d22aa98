using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Api.Actions;

/// <summary>How a call that is about one entry names it: by its id, or by table and destination.</summary>
internal static class EntryReference
{
    /// <param name="nextHopToo">Whether the second form needs NextHopId as well, as DeleteRouteEntry does.</param>
    public static Refused? Find(CloudState state, Parameters call, bool nextHopToo, out RouteEntry entry)
    {
        entry = null!;
        if (call["RouteEntryId"] is { } id)
        {
            if (state.FindEntry(id) is not { } byId) return Refusals.UnknownEntryId;
            entry = byId;
        }
        else
        {
            if (call["RouteTableId"] is not { } tableId) return Refusals.Missing("RouteTableId");
            if (call["DestinationCidrBlock"] is not { } text) return Refusals.Missing("DestinationCidrBlock");
            if (nextHopToo && call["NextHopId"] is null) return Refusals.Missing("NextHopId");
            if (state.FindTable(tableId) is not { } table) return Refusals.UnknownTable;
            if (RouteRules.ParseDestination(text, out var destination) is { } malformed) return malformed;
            if (table.Entries.Find(e => e.Destination == destination) is not { } byDestination) return Refusals.UnknownEntry;
            entry = byDestination;
        }

        // What the call says beside the reference must be true of the entry: a client that is wrong about it is about to hit another's.
        var found = entry;
        var contradicted = call["RouteTableId"] is { } t && t != found.Table.Id
            || call["DestinationCidrBlock"] is { } d && (RouteRules.ParseDestination(d, out var said) is not null || said != found.Destination)
            || call["NextHopId"] is { } n && n != found.NextHop.Id;
        if (contradicted) return Refusals.UnknownEntry;
        return found.Table.IsGateway ? Refusals.GatewayTable : null;
    }
}
