using Flannel.AliCloud.Vpc;
using Flannel.Core.Routes;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Status;

/// <summary>What one pass found about one node's route, in every table that its status depends on. Immutable.</summary>
/// <param name="Rejection">Why the API would reject the destination; null if it would not.</param>
/// <param name="VSwitch">Why the table of its vSwitch is not known; null if it is.</param>
/// <param name="Narrower">Entries of others that receive a part of the subnet's traffic.</param>
/// <param name="Vpc">What stops the whole VPC; null if nothing does.</param>
/// <param name="Remarks">What the status mentions although the route is available: the interface's source/destination check, and tables
/// that do not serve the node and cannot be used.</param>
internal sealed record NodeRouteState(
    string? Rejection, VSwitchProblem? VSwitch, IReadOnlyList<TableRouteState> Tables, IReadOnlyList<RouteEntry> Narrower,
    RouteStateReason? Vpc, IReadOnlyList<string> Remarks)
{
    private static readonly RouteState[] WorstFirst =
        [RouteState.Denied, RouteState.QuotaExceeded, RouteState.Rejected, RouteState.Conflict, RouteState.Unreachable, RouteState.Pending];

    /// <summary>Whether every table has the route.</summary>
    public bool IsInAllTables => Tables.Count > 0 && Tables.All(table => table.HasRoute);

    /// <summary>Whether the route is missing for a reason other than a transient one. A vSwitch that may not be read does not show whether
    /// the route is missing.</summary>
    public bool IsStuck => VSwitch is not { State: RouteState.Denied }
        && Reason().State is not (RouteState.Available or RouteState.Pending or RouteState.Unreachable);

    /// <summary>The state of the route and its reason.</summary>
    public RouteStateReason Reason()
    {
        if (Rejection is not null && !IsInAllTables) return new(RouteState.Rejected, Rejection, "");
        if (VSwitch is { State: not RouteState.Pending } vSwitch) return new(vSwitch.State, vSwitch.Message, "");
        if (Tables.Select(table => table.Action).OfType<RouteAction.Conflict>().FirstOrDefault() is { } conflict)
            return new(RouteState.Conflict, MessageFor(conflict), "");
        var worst = Tables.Select(table => table.Failure).OfType<RouteStateReason>()
            .MinBy(reason => Array.IndexOf(WorstFirst, reason.State));
        if (worst is not null && worst.State != RouteState.Pending) return worst;
        if (IsInAllTables && VSwitch is null) return new(RouteState.Available, AllRemarks(), "");
        return Vpc ?? worst ?? new(RouteState.Pending, VSwitch?.Message ?? "", "");
    }

    private static string MessageFor(RouteAction.Conflict conflict)
    {
        var entry = conflict.Entry;
        var hops = entry.NextHops.Count == 0 ? "nothing" : string.Join(" and ", entry.NextHops.Select(hop => $"{hop.Type} {hop.Id}"));
        var name = entry.Name.Length > 0 ? $" '{entry.Name}'" : "";
        return $"route table {conflict.RouteTableId} has {entry.DestinationText} to {hops} ({entry.RouteEntryId}{name}),"
            + " which belongs to another owner";
    }

    private string AllRemarks()
    {
        var narrower = Narrower.Select(entry =>
            $"route table {entry.RouteTableId} sends {entry.DestinationText}, a part of the subnet, elsewhere ({entry.RouteEntryId})");
        return string.Join("; ", narrower.Concat(Remarks));
    }
}

/// <param name="Action">What the plan says; null if the table could not be read.</param>
/// <param name="Failure">Why the table has no such route yet; null if nothing failed.</param>
internal sealed record TableRouteState(string TableId, RouteAction? Action, RouteStateReason? Failure)
{
    /// <summary>Whether the table has the route. The traffic does not depend on the mark.</summary>
    public bool HasRoute => Action is RouteAction.Keep or RouteAction.Mark;
}
