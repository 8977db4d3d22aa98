using Flannel.AliCloud.Vpc;
using Flannel.Core.Routes;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Status;

/// <summary>What one pass found out about one node's route, in every table that counts.</summary>
/// <param name="Refusal">Why the API would refuse the destination, found before asking it; null when it would not.</param>
/// <param name="VSwitch">Why the table of its vSwitch is not known.</param>
/// <param name="Tables">For each table the step (null when the table could not be read) and its trouble.</param>
/// <param name="Narrower">Foreign entries that take a part of the subnet's traffic.</param>
/// <param name="Vpc">What stops the whole VPC at the moment.</param>
/// <param name="Defects">What the status mentions although the route is available: the interface's source/destination check, and tables
/// that do not serve the node and cannot be used.</param>
internal sealed record NodeRouteState(
    string? Refusal, VSwitchProblem? VSwitch, IReadOnlyList<TableRouteState> Tables,
    IReadOnlyList<RouteEntry> Narrower, (RouteState State, string Text, string RequestId)? Vpc, IReadOnlyList<string> Defects)
{
    private static readonly RouteState[] WorstFirst =
        [RouteState.Denied, RouteState.QuotaExceeded, RouteState.Rejected, RouteState.Conflict, RouteState.Unreachable, RouteState.Pending];

    /// <summary>Whether every table has the route, and it can be used.</summary>
    public bool Stands => Tables.Count > 0 && Tables.All(table => table.Stands);

    /// <summary>Whether something stands in the way that waiting a moment will not move.</summary>
    public bool IsStuck => Verdict().State is not (RouteState.Available or RouteState.Pending or RouteState.Unreachable);

    public (RouteState State, string Message, string RequestId) Verdict()
    {
        if (Refusal is not null && !Stands) return (RouteState.Rejected, Refusal, "");
        if (VSwitch is { State: not RouteState.Pending } vSwitch) return (vSwitch.State, vSwitch.Text, "");
        foreach (var (_, step, _) in Tables)
        {
            if (step is RouteAction.Conflict occupied) return (RouteState.Conflict, Words(occupied), "");
        }

        var worst = Tables.Select(table => table.Trouble).Where(trouble => trouble is not null)
            .MinBy(trouble => Array.IndexOf(WorstFirst, trouble!.State));
        if (worst is not null && worst.State != RouteState.Pending) return (worst.State, worst.Text, worst.RequestId);
        if (Stands && VSwitch is null) return (RouteState.Available, Remarks(), "");
        if (Vpc is { } vpc) return vpc;
        if (worst is not null) return (worst.State, worst.Text, worst.RequestId);
        return (RouteState.Pending, VSwitch?.Text ?? "", "");
    }

    public static string Words(RouteAction.Conflict conflict)
    {
        var entry = conflict.Entry;
        var hops = entry.NextHops.Count == 0 ? "nothing" : string.Join(" and ", entry.NextHops.Select(hop => $"{hop.Type} {hop.Id}"));
        var name = entry.Name.Length > 0 ? $" '{entry.Name}'" : "";
        return $"route table {conflict.RouteTableId} has {entry.DestinationText} to {hops} ({entry.RouteEntryId}{name}), which is not ours to change";
    }

    private string Remarks()
    {
        IEnumerable<string> parts = Narrower.Select(entry =>
            $"route table {entry.RouteTableId} sends {entry.DestinationText}, a part of the subnet, elsewhere ({entry.RouteEntryId})");
        return string.Join("; ", parts.Concat(Defects));
    }
}

internal sealed record TableRouteState(string TableId, RouteAction? Step, RouteFailure? Trouble)
{
    /// <summary>Whether the table has the route; whether it is marked as well does not matter to the traffic.</summary>
    public bool Stands => Step is RouteAction.Keep or RouteAction.Mark;
}
