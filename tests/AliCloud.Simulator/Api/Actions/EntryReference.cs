using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Api.Actions;

/// <summary>How a call identifies an entry: by its id, or by table and destination.</summary>
internal static class EntryReference
{
    /// <param name="nextHopToo">True if the second form also requires NextHopId, as DeleteRouteEntry does.</param>
    public static ApiError? Find(CloudState state, Parameters call, bool nextHopToo, out RouteEntry entry)
    {
        entry = null!;
        if (call["RouteEntryId"] is { } id)
        {
            if (state.FindEntry(id) is not { } byId) return ApiErrors.UnknownEntryId;
            entry = byId;
        }
        else
        {
            if (call["RouteTableId"] is not { } tableId) return ApiErrors.Missing("RouteTableId");
            if (call["DestinationCidrBlock"] is not { } text) return ApiErrors.Missing("DestinationCidrBlock");
            if (nextHopToo && call["NextHopId"] is null) return ApiErrors.Missing("NextHopId");
            if (state.FindTable(tableId) is not { } table) return ApiErrors.UnknownTable;
            if (RouteRules.ParseDestination(text, out var destination) is { } malformed) return malformed;
            if (table.Entries.Find(e => e.Destination == destination) is not { } byDestination) return ApiErrors.UnknownEntry;
            entry = byDestination;
        }

        // The other parameters must agree with the entry: otherwise the client is about to change another entry.
        var found = entry;
        var contradicted = call["RouteTableId"] is { } t && t != found.Table.Id
            || call["DestinationCidrBlock"] is { } d
                && (RouteRules.ParseDestination(d, out var given) is not null || given != found.Destination)
            || call["NextHopId"] is { } n && n != found.NextHop.Id;
        if (contradicted) return ApiErrors.UnknownEntry;
        return found.Table.IsGateway ? ApiErrors.GatewayTable : null;
    }
}
