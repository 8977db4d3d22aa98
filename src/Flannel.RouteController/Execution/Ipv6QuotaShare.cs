using Flannel.Core;
using Flannel.Core.Routes;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>How many IPv6 routes each table may get. The entries of both families count against one quota, and IPv4 comes first: a part of
/// every table is kept free for it, and where the API has rejected an IPv4 route for the quota, IPv6 routes of this cluster are
/// deleted for it.</summary>
internal sealed class Ipv6QuotaShare(VpcContext context, OwnershipMark mark, RouteFailures ipv4, RouteQuota quota)
{
    /// <summary>In percent of the limit of a table.</summary>
    private const int ReservedForIpv4 = 10;

    /// <summary>The shortest time between two deletions in a table: the next pass then knows how many IPv4 routes still wait.</summary>
    private static readonly TimeSpan DeletionInterval = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, TableShare> tables = [];
    private readonly Dictionary<string, long> deletedAt = [];

    /// <param name="Free">How many IPv6 routes may be created.</param>
    /// <param name="WaitingIpv4">How many IPv4 routes wait because the API has rejected one for the quota.</param>
    /// <param name="Entries">The number of custom entries of both families.</param>
    private sealed record TableShare(int Free, int WaitingIpv4, int Entries, int Limit);

    /// <summary>Whether the limit is known: before that, no IPv6 route is created.</summary>
    public bool IsLimitKnown => quota.HasResponse;

    /// <summary>Called in each pass with the plan of IPv4.</summary>
    public void Observe(VpcPlan plan)
    {
        tables.Clear();
        foreach (var table in plan.Tables)
        {
            var (id, entries, limit) = (table.Table.Id, table.Table.CustomEntries, quota.LimitOf(table.Table.Id));
            var waiting = table.Actions.Count(action => action is RouteAction.Create);
            var reserve = Math.Max(1, limit * ReservedForIpv4 / 100);
            var isFull = ipv4.IsFull(id);
            var free = isFull ? 0 : Math.Max(0, limit - entries - waiting - reserve);
            tables[id] = new TableShare(free, isFull ? waiting : 0, entries, limit);
        }
    }

    /// <summary>Why the route may not be created; null if it may.</summary>
    public RouteStateReason? RejectionOf(RouteAction.Create create) => IsLimitKnown && ShareOf(create.RouteTableId) is { Free: 0 } share
        ? new(
            RouteState.QuotaExceeded,
            $"route table {create.RouteTableId} has {share.Entries} of {share.Limit} entries, and the rest is kept for IPv4: "
            + RouteFailures.QuotaRemedy, "")
        : null;

    /// <summary>The plan of IPv6 as it may be executed now: with as many creations as the share allows, and with deletions for the IPv4
    /// routes that wait.</summary>
    public VpcPlan Limit(VpcPlan plan) => new(plan.Desired, [.. plan.Tables.Select(Limit)]);

    /// <summary>Deletions are being sent.</summary>
    public void Sent(RouteWrite write)
    {
        if (write is not RouteWrite.DeleteMany deletion) return;
        // A released node's route is deleted for another reason.
        foreach (var table in deletion.Routes.Where(delete => delete.Released is { Node.Released: false })
            .GroupBy(delete => delete.RouteTableId))
        {
            deletedAt[table.Key] = context.Time.GetTimestamp();
            RouteControllerLog.Ipv6RoutesDeleted(context.Log, context.Vpc, Plural.Of(table.Count(), "IPv6 route"), table.Key);
        }
    }

    private TablePlan Limit(TablePlan table)
    {
        var share = ShareOf(table.Table.Id);
        var free = IsLimitKnown ? share.Free : 0;
        var excess = MayDelete(table.Table.Id) ? share.WaitingIpv4 : 0;
        var actions = new List<RouteAction>();
        foreach (var action in table.Actions)
        {
            if (action is RouteAction.Create && --free < 0) continue;
            var isDeleted = action is RouteAction.Keep keep && mark.OwnerOf(keep.Entry) == RouteOwner.ThisCluster && --excess >= 0;
            actions.Add(isDeleted ? DeletionOf((RouteAction.Keep)action) : action);
        }

        return table with { Actions = actions };
    }

    private static RouteAction.Delete DeletionOf(RouteAction.Keep kept) => new(kept.Entry, kept.Destination, kept.Desired);

    private bool MayDelete(string tableId) =>
        !deletedAt.TryGetValue(tableId, out var at) || context.Time.GetElapsedTime(at) >= DeletionInterval;

    private TableShare ShareOf(string tableId) => tables.GetValueOrDefault(tableId) ?? new TableShare(0, 0, 0, 0);
}
