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
        if (Tables.Select(table => table.Conflict).OfType<RouteStateReason>().FirstOrDefault() is { } conflict) return conflict;
        var worst = Tables.Select(table => table.Failure).OfType<RouteStateReason>()
            .MinBy(reason => Array.IndexOf(WorstFirst, reason.State));
        if (worst is not null && worst.State != RouteState.Pending) return worst;
        if (IsInAllTables && VSwitch is null) return new(RouteState.Available, AllRemarks(), "");
        return Vpc ?? worst ?? new(RouteState.Pending, VSwitch?.Message ?? "", "");
    }

    /// <summary>The state in each table, as a status publishes it; null if it adds nothing to the state of the whole route.</summary>
    /// <param name="reason">The state of the whole route.</param>
    public IReadOnlyList<TableRouteStatus>? ByTable(RouteStateReason reason)
    {
        var isPlain = reason.State == RouteState.Available || (reason.State == RouteState.Pending && reason.Message.Length == 0);
        if (isPlain || Tables.Count == 0) return null;
        // What stops the whole VPC counts for a table only if it is the state of the route as well: otherwise each attempt would change the
        // status.
        var vpc = ReferenceEquals(reason, Vpc) ? Vpc : null;
        return TableRouteStatus.Bound(Tables.Select(table => StatusOf(table, ReasonIn(table, vpc))));
    }

    private RouteStateReason ReasonIn(TableRouteState table, RouteStateReason? vpc)
    {
        if (table.HasRoute) return table.Failure ?? new(RouteState.Available, "", "");
        if (Rejection is not null) return new(RouteState.Rejected, Rejection, "");
        return table.Conflict ?? table.Failure ?? vpc ?? new(RouteState.Pending, "", "");
    }

    private static TableRouteStatus StatusOf(TableRouteState table, RouteStateReason reason) =>
        new(table.TableId, reason.State, reason.Code, reason.RequestId, reason.Message);

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

    /// <summary>The entry of another owner that prevents the route; null without one.</summary>
    public RouteStateReason? Conflict =>
        Action is RouteAction.Conflict conflict ? new(RouteState.Conflict, MessageFor(conflict.Entry), "") : null;

    private static string MessageFor(RouteEntry entry)
    {
        var hops = entry.NextHops.Count == 0 ? "nothing" : string.Join(" and ", entry.NextHops.Select(hop => $"{hop.Type} {hop.Id}"));
        var name = entry.Name.Length > 0 ? $" '{entry.Name}'" : "";
        return $"route table {entry.RouteTableId} has {entry.DestinationText} to {hops} ({entry.RouteEntryId}{name}),"
            + " which belongs to another owner";
    }
}
