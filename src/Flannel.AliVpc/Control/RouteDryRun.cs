using System.Text;
using Flannel.AliVpc.Api;
using Flannel.Core.Leases;
using Microsoft.Extensions.Logging;

namespace Flannel.AliVpc.Control;

/// <summary>What the controller would do, for <c>--dry-run</c>: reads, and asks the API's own dry run whether the right to create is there.</summary>
/// <param name="Text">A table for people: one line per step, and what could not be found out.</param>
/// <param name="Changes">How many steps are not Keep, Wait or Conflict.</param>
/// <param name="Complete">False when something could not be read.</param>
public sealed record RouteDryRun(string Text, int Changes, bool Complete)
{
    public static async Task<RouteDryRun> RunAsync(
        LeaseSnapshot snapshot, RouteControllerOptions options, ICloudApi api, ILogger log, CancellationToken cancellation)
    {
        var text = new StringBuilder();
        var (changes, complete) = (0, true);
        foreach (var (vpc, view) in VpcView.Group(snapshot).OrderBy(pair => pair.Key.ToString(), StringComparer.Ordinal))
        {
            var tables = new VpcTables(vpc, options.RouteTableIds, api, log);
            text.Append($"{vpc}: {view.Nodes.Count} nodes in {view.Network}\n");
            foreach (var (node, reason) in view.Refused) text.Append($"  refused    {node.Destination}: {reason}\n");
            complete &= Note(text, await tables.RefreshAsync(view, cancellation));
            foreach (var vSwitch in view.Nodes.Select(node => node.Node.VSwitchId).Distinct())
            {
                if (tables.ProblemOf(vSwitch) is { } problem) text.Append($"  {problem.Text}\n");
            }

            foreach (var tableId in tables.Serving.Concat(tables.Others))
            {
                var answer = await api.DescribeRouteEntryListAsync(vpc.RegionId, tableId, cancellation);
                complete &= Note(text, answer.Error);
                if (answer.Value is not { } entries) continue;
                var mark = OwnershipMark.For(options.EtcdPrefix, view.Network);
                var steps = RoutePlan.For(new RoutePlanInput(
                    tableId, view.Network, view.Nodes, view.Respected, entries, mark, UpkeepOnly: !tables.Serving.Contains(tableId))
                {
                    Leaving = view.Leaving,
                });
                foreach (var step in steps) text.Append("  ").Append(Line(step)).Append('\n');
                changes += steps.Count(step => step is RouteStep.Create or RouteStep.RePoint or RouteStep.Delete);
                if (steps.OfType<RouteStep.Create>().FirstOrDefault() is not { } create) continue;
                text.Append(await RightAsync(api, vpc, create, mark, cancellation));
            }
        }

        if (text.Length == 0) text.Append("no node of this program holds a lease\n");
        return new RouteDryRun(text.ToString(), changes, complete);
    }

    internal static string Line(RouteStep step)
    {
        var (word, hop) = step switch
        {
            RouteStep.Keep keep => ("keep", Hop(keep.Wanted.NextHop)),
            RouteStep.Create create => ("create", Hop(create.Wanted.NextHop)),
            RouteStep.RePoint rePoint => ("re-point", $"{Hops(rePoint.Entry)} => {Hop(rePoint.Wanted.NextHop)}"),
            RouteStep.Delete delete => ("delete", Hops(delete.Entry)),
            RouteStep.Wait wait => ("wait", $"{Hops(wait.Entry)} is {wait.Entry.Status}"),
            RouteStep.Conflict { Entry: var entry, Kind: var kind } => ("conflict", $"{Hops(entry)} {kind} {entry.RouteEntryId} {entry.Name}".TrimEnd()),
            _ => throw new InvalidOperationException($"no such step: {step}"),
        };
        return $"{word,-9} {step.RouteTableId} {step.Destination,-18} {hop}";
    }

    internal static string Hops(RouteEntry entry) => entry.NextHops.Count == 0 ? "-" : string.Join(' ', entry.NextHops.Select(Hop));

    private static string Hop(NextHop hop) => $"{hop.Type} {hop.Id}";

    internal static bool Note(StringBuilder text, CloudError? error)
    {
        if (error is null) return true;
        text.Append($"  not read: {error.DeniedAction ?? error.Code} {error.Message}{error.RequestNote}\n");
        return false;
    }

    /// <summary>The API's dry run answers a call that it would have carried out with the error DryRunOperation, which is "already so".</summary>
    private static async Task<string> RightAsync(
        ICloudApi api, VpcId vpc, RouteStep.Create step, OwnershipMark mark, CancellationToken cancellation)
    {
        var entry = new NewRouteEntry(step.RouteTableId, step.Destination, step.Wanted.NextHop, mark.Token, mark.Description);
        var answer = await api.DryRunCreateRouteEntryAsync(vpc.RegionId, entry, cancellation);
        return answer.Error switch
        {
            null or { Kind: CloudErrorKind.AlreadySo } => $"  the API would create {step.Destination} in {step.RouteTableId}\n",
            { Kind: CloudErrorKind.Denied } denied => $"  the RAM role lacks {denied.DeniedAction ?? denied.Code}\n",
            var error => $"  the API would answer {error.Code} {error.Message} for {step.Destination} in {step.RouteTableId}\n",
        };
    }
}
