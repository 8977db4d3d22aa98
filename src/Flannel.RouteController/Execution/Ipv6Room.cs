using Flannel.Core.Routes;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>How many IPv6 routes each table may get. The entries of both families count against one quota, and IPv4 comes first: a part of
/// every table is kept free for it, and where the API has rejected an IPv4 route for the quota, IPv6 routes of this cluster make
/// room.</summary>
internal sealed class Ipv6Room(VpcContext context, OwnershipMark mark, RouteFailures ipv4, RouteQuota quota)
{
    /// <summary>In percent of the limit of a table.</summary>
    private const int ReservedForIpv4 = 10;

    /// <summary>The pause between two attempts to make room in a table.</summary>
    private static readonly TimeSpan MakeRoomInterval = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, TableRoom> tables = [];
    private readonly Dictionary<string, long> madeRoomAt = [];

    /// <param name="Free">How many IPv6 routes may be created.</param>
    /// <param name="Missing">How many IPv4 routes the API has rejected for the quota.</param>
    private sealed record TableRoom(int Free, int Missing, int Entries, int Limit);

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
            tables[id] = new TableRoom(free, isFull ? waiting : 0, entries, limit);
        }
    }

    /// <summary>Why the route may not be created; null if it may.</summary>
    public RouteStateReason? ReasonAgainst(RouteAction.Create create) => IsLimitKnown && RoomIn(create.RouteTableId) is { Free: 0 } room
        ? new(
            RouteState.QuotaExceeded,
            $"route table {create.RouteTableId} has {room.Entries} of {room.Limit} entries, and the rest is kept for IPv4: "
            + RouteFailures.QuotaRemedy, "")
        : null;

    /// <summary>The plan of IPv6 as it may be executed now: with as many creations as there is room for, and with the deletions that make
    /// room for IPv4.</summary>
    public VpcPlan Limit(VpcPlan plan) => plan with { Tables = [.. plan.Tables.Select(Limit)] };

    /// <summary>Deletions are being sent.</summary>
    public void Sent(RouteWrite write)
    {
        if (write is not RouteWrite.DeleteMany deletion) return;
        // A released node's route is deleted for another reason.
        foreach (var table in deletion.Routes.Where(delete => delete.Released is { Node.Released: false })
            .GroupBy(delete => delete.RouteTableId))
        {
            madeRoomAt[table.Key] = context.Time.GetTimestamp();
            RouteControllerLog.Ipv6MakesRoom(context.Log, context.Vpc, Plural.Of(table.Count(), "IPv6 route"), table.Key);
        }
    }

    private TablePlan Limit(TablePlan table)
    {
        var room = RoomIn(table.Table.Id);
        var (free, missing) = (IsLimitKnown ? room.Free : 0, MayMakeRoom(table.Table.Id) ? room.Missing : 0);
        var actions = new List<RouteAction>();
        foreach (var action in table.Actions)
        {
            if (action is RouteAction.Create && --free < 0) continue;
            var makesRoom = action is RouteAction.Keep keep && mark.OwnerOf(keep.Entry) == RouteOwner.ThisCluster && --missing >= 0;
            actions.Add(makesRoom ? RemovalOf((RouteAction.Keep)action) : action);
        }

        return table with { Actions = actions };
    }

    private static RouteAction.Delete RemovalOf(RouteAction.Keep kept) => new(kept.Entry, kept.Destination, kept.Desired);

    private bool MayMakeRoom(string tableId) =>
        !madeRoomAt.TryGetValue(tableId, out var at) || context.Time.GetElapsedTime(at) >= MakeRoomInterval;

    private TableRoom RoomIn(string tableId) => tables.GetValueOrDefault(tableId) ?? new TableRoom(0, 0, 0, 0);
}
