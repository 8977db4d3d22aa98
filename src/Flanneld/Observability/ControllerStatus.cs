using Flannel.Core;
using Flannel.Core.Routes;
using Flannel.RouteController;
using Flannel.RouteController.Infrastructure;

namespace Flanneld.Observability;

/// <summary>The route controller of this process, for <see cref="StateDump"/>. Pure.</summary>
internal static class ControllerStatus
{
    /// <summary>The nodes without a route that are listed.</summary>
    private const int MaxNodes = 20;

    /// <summary>One line each.</summary>
    /// <param name="snapshot">Null while this process is not the route controller.</param>
    public static IEnumerable<string> Describe(ControllerSnapshot? snapshot)
    {
        if (snapshot is null)
        {
            yield return "this process is not the route controller";
            yield break;
        }

        var states = snapshot.CountByState.OrderBy(count => count.Key).Select(count => $"{count.Key} {count.Value}");
        yield return $"this process is the route controller: nodes {snapshot.Nodes.Count} ({string.Join(", ", states)}),"
            + $" conflicts {snapshot.Conflicts.Count}, held deletions {snapshot.HeldDeletions},"
            + $" last complete pass {(snapshot.LastReconcile is { } last ? UtcText.Of(last) : "none yet")}";
        foreach (var table in snapshot.Tables)
            yield return $"{table.VpcId} table {table.RouteTableId}: {table.CustomEntries} of {table.Limit} custom entries";
        foreach (var pass in snapshot.Passes) yield return Describe(pass);
        foreach (var node in snapshot.Nodes.Where(node => node.State != RouteState.Available).Take(MaxNodes))
            yield return $"route of {node.Subnet}: {node.State}{(node.Message.Length > 0 ? $": {node.Message}" : "")}";
    }

    private static string Describe(VpcPass pass)
    {
        var failure = pass.Failure is null ? "" : $", failing: {pass.Failure}";
        var deadlines = string.Join(", ", pass.Deadlines.Select(Describe));
        return $"{pass.VpcId}: last pass {UtcText.Of(pass.At)}, plan {pass.Plan}{failure}, next pass {UtcText.Of(pass.Next)}"
            + (deadlines.Length > 0 ? $", deadlines {deadlines}" : "");
    }

    private static string Describe(PendingDeadline deadline) => $"{deadline.Name} {UtcText.Of(deadline.At)}";
}
