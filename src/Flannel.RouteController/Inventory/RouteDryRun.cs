using System.Text;
using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Inventory;

/// <summary>What the controller would do, for <c>--dry-run</c>. It reads, and asks the API by the API's own dry run whether the permissions
/// for the changes exist. It writes nothing.</summary>
public sealed class RouteDryRun
{
    private readonly ICloudApi api;
    private readonly ILogger log;
    private readonly IReadOnlyList<string> routeTableIds;
    private readonly OwnershipMark mark;
    private readonly StringBuilder text = new();
    private int changes;
    private bool isComplete = true;

    private RouteDryRun(ClusterId? cluster, IReadOnlyList<string> routeTableIds, ICloudApi api, ILogger log)
    {
        (this.api, this.log, this.routeTableIds) = (api, log, routeTableIds);
        // With an id that no cluster has, every mark is another cluster's.
        mark = OwnershipMark.Of(cluster ?? ClusterId.New());
    }

    /// <param name="cluster">Null while no route controller has been elected yet: then no entry is the cluster's own.</param>
    /// <param name="routeTableIds">The tables of <c>RouteTableID</c>.</param>
    public static async Task<RouteDryRunResult> RunAsync(
        LeaseSnapshot snapshot, ClusterId? cluster, IReadOnlyList<string> routeTableIds, ICloudApi api, ILogger log,
        CancellationToken cancellation)
    {
        var run = new RouteDryRun(cluster, routeTableIds, api, log);
        if (cluster is null) run.text.Append("no cluster id yet: the first route controller creates one\n");
        foreach (var (_, desired) in DesiredVpcState.Group(snapshot).OrderBy(pair => pair.Key.ToString(), StringComparer.Ordinal))
            await run.AddAsync(desired, cancellation);
        if (run.text.Length == 0) run.text.Append("no node of this program holds a lease\n");
        return new RouteDryRunResult(run.text.ToString(), run.changes, run.isComplete);
    }

    private async Task AddAsync(DesiredVpcState desired, CancellationToken cancellation)
    {
        var vpc = new VpcInventory(desired, routeTableIds, api, retries: null, log);
        await vpc.ReadAsync(cancellation);
        text.Append($"{desired.Vpc}: {desired.Nodes.Count} nodes in {desired.Network}\n");
        foreach (var unroutable in desired.UnroutableNodes)
            text.Append($"  not routed {unroutable.Node.Destination}: {unroutable.Reason}\n");
        foreach (var line in vpc.Problems.Concat(vpc.FindVSwitchProblems())) text.Append($"  {line}\n");
        isComplete &= vpc.Problems.Count == 0;
        var plans = vpc.PlanFor(mark);
        List<RouteAction> all = [.. plans.SelectMany(plan => plan.Actions)];
        Print(all);
        changes += all.Count(action => action.IsWrite);
        foreach (var other in OtherClustersIn(desired.Vpc, all)) text.Append($"  {other}\n");
        foreach (var plan in plans) await CheckPermissionsAsync(desired.Vpc, [.. plan.Actions], cancellation);
    }

    private List<OtherClusterRoutes> OtherClustersIn(VpcId vpc, IEnumerable<RouteAction> actions) =>
    [
        .. actions.OfType<RouteAction.Conflict>().Where(conflict => mark.OwnerOf(conflict.Entry) == RouteOwner.OtherCluster)
            .GroupBy(conflict => OwnershipMark.TokenOf(conflict.Entry)!).OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => new OtherClusterRoutes(vpc, group.Key, group.DistinctBy(conflict => conflict.Entry.RouteEntryId).Count())),
    ];

    private void Print(List<RouteAction> actions)
    {
        if (actions.Count == 0) return;
        var width = actions.Max(action => action.RouteTableId.Length);
        text.Append($"  {"ACTION",-9} {"TABLE".PadRight(width)} {"DESTINATION",-18} NEXT HOP\n");
        foreach (var action in actions)
        {
            var (name, hop) = RouteActionText.Of(action);
            text.Append($"  {name,-9} {action.RouteTableId.PadRight(width)} {action.Destination,-18} {hop}\n");
        }
    }

    /// <summary>Asks once for each kind of action in each table: permissions are granted by table.</summary>
    private async Task CheckPermissionsAsync(VpcId vpc, List<RouteAction> actions, CancellationToken cancellation)
    {
        foreach (var action in actions.Where(action => action is RouteAction.Create or RouteAction.Update or RouteAction.Delete)
            .DistinctBy(action => (action.RouteTableId, action.GetType())))
        {
            var (call, hop) = action switch
            {
                RouteAction.Create create => (RouteWriteCall.CreateRouteEntries, create.Desired.NextHop),
                RouteAction.Update update => (RouteWriteCall.ModifyRouteEntry, update.Desired.NextHop),
                _ => (RouteWriteCall.DeleteRouteEntries,
                    ((RouteAction.Delete)action).Entry.NextHops is [var first, ..] ? first : new NextHop("", "")),
            };
            var entry = new NewRouteEntry(action.RouteTableId, action.Destination, hop, mark.Token, mark.Description);
            var error = await CheckPermissionAsync(vpc, call, entry, cancellation);
            // Without the permission for batches the controller creates one by one, and a batch rejects what a single call may accept.
            if (error is not null && action is RouteAction.Create)
                await CheckPermissionAsync(vpc, RouteWriteCall.CreateRouteEntry, entry, cancellation);
        }
    }

    private async Task<CloudError?> CheckPermissionAsync(
        VpcId vpc, RouteWriteCall call, NewRouteEntry entry, CancellationToken cancellation)
    {
        var result = await api.DryRunAsync(call, vpc.RegionId, entry, cancellation);
        text.Append(result.Error switch
        {
            null => $"  the API would carry out {call} for {entry.Destination} in {entry.RouteTableId}\n",
            { Kind: CloudErrorKind.Denied } denied =>
                $"  missing permission {denied.DeniedAction ?? $"vpc:{call}"} for {entry.RouteTableId}\n",
            var error => $"  the API would reject {call} for {entry.Destination} in {entry.RouteTableId}: {error.Code} {error.Message}\n",
        });
        return result.Error;
    }
}

/// <param name="Text">A table for an operator: one line for each action, the result of the API's dry run for each kind of them, and what
/// could not be read.</param>
/// <param name="Changes">The number of actions that write.</param>
/// <param name="Complete">False if something could not be read.</param>
public sealed record RouteDryRunResult(string Text, int Changes, bool Complete);
