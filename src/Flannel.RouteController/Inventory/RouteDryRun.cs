using System.Text;
using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Inventory;

/// <summary>What the controller would do, for <c>--dry-run</c>: reads, and asks the API's own dry run whether the rights for it are there.</summary>
/// <param name="Text">A table for people: one line per step, what the API would say to each kind of them, and what could not be found out.</param>
/// <param name="Changes">How many steps are not Keep, Wait or Conflict.</param>
/// <param name="Complete">False when something could not be read.</param>
/// <param name="OtherClusters">The other clusters that have routes inside the network.</param>
public sealed record RouteDryRun(string Text, int Changes, bool Complete, IReadOnlyList<OtherCluster> OtherClusters)
{
    /// <param name="cluster">Null while no route controller has worked yet: then no entry is the cluster's own.</param>
    public static async Task<RouteDryRun> RunAsync(
        LeaseSnapshot snapshot, ClusterId? cluster, RouteControllerOptions options, ICloudApi api, ILogger log,
        CancellationToken cancellation)
    {
        var text = new StringBuilder();
        var (changes, complete) = (0, true);
        var others = new List<OtherCluster>();
        // Nothing is written: an id that nobody has makes every mark another cluster's.
        var mark = OwnershipMark.Of(cluster ?? ClusterId.New());
        if (cluster is null) text.Append("no cluster id yet: the first route controller creates one\n");
        foreach (var (vpc, view) in DesiredVpcState.Group(snapshot).OrderBy(pair => pair.Key.ToString(), StringComparer.Ordinal))
        {
            var tables = new VpcTables(vpc, options.RouteTableIds, api, log);
            text.Append($"{vpc}: {view.Nodes.Count} nodes in {view.Network}\n");
            foreach (var refused in view.Refused) text.Append($"  refused    {refused.Node.Destination}: {refused.Reason}\n");
            complete &= Note(text, await tables.RefreshAsync(view, cancellation));
            foreach (var vSwitch in view.Nodes.Select(node => node.Node.VSwitchId).Distinct())
            {
                if (tables.ProblemOf(vSwitch) is { } problem) text.Append($"  {problem.Text}\n");
            }

            foreach (var line in tables.Unverified) text.Append($"  {line}\n");
            complete &= !tables.Unverified.Any();
            var steps = new List<RouteAction>();
            foreach (var tableId in tables.Serving.Concat(tables.Others))
            {
                var answer = await api.DescribeRouteEntryListAsync(vpc.RegionId, tableId, cancellation);
                complete &= Note(text, answer.Error);
                if (answer.Value is not { } entries) continue;
                steps.AddRange(RoutePlan.For(new RoutePlanInput(
                    tableId, view.Network, view.Nodes, view.Respected, entries, mark, UpkeepOnly: !tables.Serving.Contains(tableId))
                {
                    Leaving = view.Leaving,
                }));
            }

            Print(text, steps);
            changes += steps.Count(step => step is RouteAction.Create or RouteAction.Update or RouteAction.Mark or RouteAction.Delete);
            var seen = OtherClustersIn(vpc, steps, mark);
            foreach (var other in seen) text.Append($"  {other}\n");
            others.AddRange(seen);
            await TryAsync(text, api, vpc, steps, mark, cancellation);
        }

        if (text.Length == 0) text.Append("no node of this program holds a lease\n");
        return new RouteDryRun(text.ToString(), changes, complete, others);
    }

    private static List<OtherCluster> OtherClustersIn(VpcId vpc, IEnumerable<RouteAction> steps, OwnershipMark mark) =>
        [.. steps.OfType<RouteAction.Conflict>().Where(step => mark.OwnerOf(step.Entry) == MarkOwner.OtherCluster)
            .GroupBy(step => OwnershipMark.TokenOf(step.Entry)!).OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => new OtherCluster(vpc, group.Key, group.DistinctBy(step => step.Entry.RouteEntryId).Count()))];

    private static void Print(StringBuilder text, List<RouteAction> steps)
    {
        if (steps.Count == 0) return;
        var width = steps.Max(step => step.RouteTableId.Length);
        text.Append($"  {"STEP",-9} {"TABLE".PadRight(width)} {"DESTINATION",-18} NEXT HOP\n");
        foreach (var step in steps)
        {
            var (word, hop) = Words(step);
            text.Append($"  {word,-9} {step.RouteTableId.PadRight(width)} {step.Destination,-18} {hop}\n");
        }
    }

    private static (string Word, string Hop) Words(RouteAction step) => step switch
    {
        RouteAction.Keep keep => ("keep", Hop(keep.Wanted.NextHop)),
        RouteAction.Create create => ("create", Hop(create.Wanted.NextHop)),
        RouteAction.Update rePoint => ("re-point", $"{Hops(rePoint.Entry)} => {Hop(rePoint.Wanted.NextHop)}"),
        RouteAction.Mark mark =>
            ("mark", $"{Hops(mark.Entry)} {mark.Entry.RouteEntryId}, mark before: {OwnershipMark.TokenOf(mark.Entry) ?? "-"}"),
        RouteAction.Delete delete => ("delete", Hops(delete.Entry)),
        RouteAction.Wait wait => ("wait", $"{Hops(wait.Entry)} is {wait.Entry.Status}"),
        RouteAction.Conflict { Entry: var entry, Kind: var kind } => ("conflict", $"{Hops(entry)} {kind} {entry.RouteEntryId} {entry.Name}".TrimEnd()),
        _ => throw new InvalidOperationException($"no such step: {step}"),
    };

    internal static string Hops(RouteEntry entry) => entry.NextHops.Count == 0 ? "-" : string.Join(' ', entry.NextHops.Select(Hop));

    private static string Hop(NextHop hop) => $"{hop.Type} {hop.Id}";

    internal static bool Note(StringBuilder text, CloudError? error)
    {
        if (error is null) return true;
        text.Append($"  not read: {error.DeniedAction ?? error.Code} {error.Message}{error.RequestNote}\n");
        return false;
    }

    /// <summary>Asks once for each kind of step in each table: rights are given by table.</summary>
    private static async Task TryAsync(
        StringBuilder text, ICloudApi api, VpcId vpc, List<RouteAction> steps, OwnershipMark mark, CancellationToken cancellation)
    {
        foreach (var step in steps.Where(step => step is RouteAction.Create or RouteAction.Update or RouteAction.Delete)
            .DistinctBy(step => (step.RouteTableId, step.GetType())))
        {
            var (action, hop) = step switch
            {
                RouteAction.Create create => (RouteWriteCall.CreateRouteEntries, create.Wanted.NextHop),
                RouteAction.Update rePoint => (RouteWriteCall.ModifyRouteEntry, rePoint.Wanted.NextHop),
                _ => (RouteWriteCall.DeleteRouteEntries,
                    ((RouteAction.Delete)step).Entry.NextHops is [var first, ..] ? first : new NextHop("", "")),
            };
            var entry = new NewRouteEntry(step.RouteTableId, step.Destination, hop, mark.Token, mark.Description);
            var error = await TryAsync(text, api, vpc, action, entry, cancellation);
            // Without the right for batches the controller creates one by one, and a batch refuses what a single call may take.
            if (error is not null && step is RouteAction.Create) await TryAsync(text, api, vpc, RouteWriteCall.CreateRouteEntry, entry, cancellation);
        }
    }

    private static async Task<CloudError?> TryAsync(
        StringBuilder text, ICloudApi api, VpcId vpc, RouteWriteCall action, NewRouteEntry entry, CancellationToken cancellation)
    {
        var answer = await api.DryRunAsync(action, vpc.RegionId, entry, cancellation);
        text.Append(answer.Error switch
        {
            null => $"  the API would carry out {action} for {entry.Destination} in {entry.RouteTableId}\n",
            { Kind: CloudErrorKind.Denied } denied => $"  the RAM role lacks {denied.DeniedAction ?? $"vpc:{action}"} for {entry.RouteTableId}\n",
            var error => $"  the API would answer {error.Code} {error.Message} to {action} for {entry.Destination} in {entry.RouteTableId}\n",
        });
        return answer.Error;
    }
}

/// <summary>Another cluster of this program that has routes where this one's are.</summary>
/// <param name="Mark">What its entries are marked with.</param>
public sealed record OtherCluster(VpcId Vpc, string Mark, int Routes)
{
    public override string ToString() =>
        $"{Routes} {(Routes == 1 ? "route" : "routes")} of another cluster ({Mark}): kept;"
        + $" 'flanneld routes --remove-routes-of {Mark}' deletes what is left of a lost one";
}
