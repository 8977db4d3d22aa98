using System.Text;
using Flannel.AliCloud;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Inventory;

/// <summary>Lists the entries inside the network, and deletes those that an operator names: <c>flanneld routes</c>. Safe while a controller
/// works: a route that a lease desires is never deleted.</summary>
/// <param name="cluster">Null while no route controller has been elected yet: then no entry is the cluster's own.</param>
public sealed class RouteInventory(ClusterId? cluster, ICloudApi api, TimeProvider time, Random random, ILogger log)
{
    private readonly OwnershipMark mark = OwnershipMark.Of(cluster ?? ClusterId.New());

    /// <param name="own">This instance's VPC: listed even if no node of this program is in it yet, as before a migration.</param>
    public async Task<RouteListingResult> ListAsync(LeaseSnapshot snapshot, VpcId? own, CancellationToken cancellation)
    {
        if (snapshot.Config is not { } config) throw new ArgumentException("the snapshot has no configuration", nameof(snapshot));
        var text = new StringBuilder();
        var routes = new List<ListedRoute>();
        var isComplete = true;
        var vpcs = DesiredVpcState.Group(snapshot).Keys.ToHashSet();
        if (own is not null) vpcs.Add(own);
        foreach (var vpc in vpcs.OrderBy(vpc => vpc.ToString(), StringComparer.Ordinal))
        {
            text.Append($"{vpc}: entries inside {config.Network}{(config.Ipv6 is { } ipv6 ? $" and {ipv6.Network}" : "")}\n");
            var tables = await api.DescribeRouteTableListAsync(vpc.RegionId, vpc.Id, cancellation);
            isComplete &= InventoryText.AddError(text, tables.Error);
            foreach (var table in (tables.Value ?? []).Where(table => !table.IsGateway))
            {
                var entries = await api.DescribeRouteEntryListAsync(vpc.RegionId, table.RouteTableId, cancellation);
                isComplete &= InventoryText.AddError(text, entries.Error);
                foreach (var route in (entries.Value ?? []).Select(entry => Listed(vpc, entry, snapshot)).OfType<ListedRoute>())
                {
                    routes.Add(route);
                    text.Append(Line(route)).Append('\n');
                }
            }
        }

        // A lease that cannot be read may be the one that an entry belongs to.
        if (snapshot.IsComplete) return new RouteListingResult(text.ToString(), routes, isComplete);
        text.Append("  a lease cannot be read (see the log): no route can be deleted\n");
        return new RouteListingResult(text.ToString(), [], false);
    }

    /// <summary>Deletes listed routes in batches.</summary>
    /// <param name="readLeases">Called before each call: a route that a lease desires by then is kept.</param>
    public async Task<RouteRemovalResult> RemoveAsync(
        IReadOnlyList<ListedRoute> routes, Func<Task<LeaseSnapshot>> readLeases, CancellationToken cancellation)
    {
        var problems = new List<string>();
        var deleted = 0;
        foreach (var ofVpc in routes.GroupBy(route => route.Vpc))
        {
            var result = await new RouteRemoval(ofVpc.Key, api, readLeases, time, random, log).RunAsync(ofVpc, cancellation);
            problems.AddRange(result.Problems);
            deleted += result.Deleted;
        }

        return new RouteRemovalResult(deleted, problems);
    }

    /// <summary>Null for what is not listed: the default route, and entries that are neither inside the network nor this
    /// cluster's.</summary>
    private ListedRoute? Listed(VpcId vpc, RouteEntry entry, LeaseSnapshot snapshot)
    {
        if (entry.Destination is not { Length: > 0 } destination) return null;
        var owner = mark.OwnerOf(entry);
        if (!snapshot.Config!.Covers(destination) && owner != RouteOwner.ThisCluster) return null;
        return new ListedRoute(vpc, entry, KindOf(entry, owner, snapshot.Leases), OwnershipMark.TokenOf(entry));
    }

    private static ListedKind KindOf(RouteEntry entry, RouteOwner owner, IReadOnlyList<Lease> leases)
    {
        var destination = entry.Destination!.Value;
        var isLeased = leases.Any(lease => lease.Destinations.Contains(destination));
        if (isLeased && owner != RouteOwner.OtherCluster && entry.IsCustom) return ListedKind.Leased;
        if (!NextHops.MayBeChanged(entry, owner)) return ListedKind.Hosted;
        if (owner == RouteOwner.OtherCluster) return ListedKind.OtherCluster;
        if (owner == RouteOwner.ThisCluster) return ListedKind.Stale;
        if (leases.SelectMany(lease => lease.Destinations).Any(leased => leased.Overlaps(destination))) return ListedKind.Overlapping;
        return entry.Status == RouteEntryStatus.Available ? ListedKind.Unmanaged : ListedKind.Changing;
    }

    private static string Line(ListedRoute route)
    {
        var entry = route.Entry;
        var owner = route.Mark is { } mark && mark != entry.Name ? $"({mark})" : "";
        return $"  {KindText(route),-13} {entry.RouteTableId} {entry.Destination,-18} {InventoryText.HopsOf(entry)}"
            + $" {entry.RouteEntryId} {entry.Name} {owner}".TrimEnd();
    }

    private static string KindText(ListedRoute route) => route.Kind switch
    {
        ListedKind.Changing => route.Entry.Status.ToString().ToLowerInvariant(),
        ListedKind.OtherCluster => "other-cluster",
        var kind => kind.ToString().ToLowerInvariant(),
    };
}
