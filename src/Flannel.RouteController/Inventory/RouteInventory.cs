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
/// <param name="routeTableIds">The tables of <c>RouteTableID</c>.</param>
public sealed class RouteInventory(
    ClusterId? cluster, IReadOnlyList<string> routeTableIds, ICloudApi api, TimeProvider time, Random random, ILogger log)
{
    private readonly OwnershipMark mark = OwnershipMark.Of(cluster ?? ClusterId.New());

    /// <summary>Reads the tables of every VPC that has a node.</summary>
    /// <param name="own">This instance's VPC: listed even if no node of this program is in it yet, as before a migration.</param>
    public async Task<RouteListingResult> ListAsync(LeaseSnapshot snapshot, VpcId? own, CancellationToken cancellation)
    {
        if (snapshot.Config is null) throw new ArgumentException("the snapshot has no configuration", nameof(snapshot));
        var desired = DesiredVpcState.Group(snapshot).Values.ToList();
        if (own is not null && desired.All(known => known.Vpc != own))
            desired.Add(new DesiredVpcState(own, snapshot.Config.Network, [], [], [], [], snapshot.IsComplete));
        var retries = new RetryingCloudReads(api, time, random);
        var vpcs = desired.OrderBy(state => state.Vpc.ToString(), StringComparer.Ordinal)
            .Select(state => new VpcInventory(state, routeTableIds, api, retries, log)).ToList();
        foreach (var vpc in vpcs) await vpc.ReadAsync(cancellation);

        var leases = new LeaseDestinations(snapshot);
        List<ListedRoute> routes = [.. vpcs.SelectMany(vpc => Listed(vpc, snapshot, leases))];
        List<string> problems = [.. vpcs.SelectMany(ProblemsOf)];
        // It may be the one that an entry belongs to.
        if (!snapshot.IsComplete) problems.Add("a lease cannot be read (see the log): no route can be deleted");
        var upstream = leases.OfUpstream.ToList();
        return new RouteListingResult(
            [.. vpcs.Select(vpc => vpc.Vpc)], routes, [.. vpcs.SelectMany(vpc => vpc.Gaps), .. GapsOf(upstream, routes)], problems)
        {
            Required = vpcs.Sum(vpc => vpc.Required) + upstream.Count,
            Changes = vpcs.Sum(vpc => vpc.CountChanges(mark)),
            IsPlanComplete = vpcs.All(vpc => vpc.Problems.Count == 0),
            MayDelete = snapshot.IsComplete,
            RetryAfter = vpcs.Max(vpc => vpc.RetryAfter),
        };
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

    private static IEnumerable<string> ProblemsOf(VpcInventory vpc)
    {
        List<string> lines = [.. vpc.Problems];
        if (vpc.ListDenial is { } denied) lines.Add($"the list of route tables not read: {denied.Summary}");
        return lines.Select(line => $"{vpc.Vpc}: {line}");
    }

    private IEnumerable<ListedRoute> Listed(VpcInventory vpc, LeaseSnapshot snapshot, LeaseDestinations leases) =>
        vpc.Tables.SelectMany(table => table.Entries.Select(entry => Listed(vpc.Vpc, entry, snapshot, leases)).OfType<ListedRoute>()
            .Select(route => route with { ServesNodes = table.ServesNodes }));

    /// <summary>Null for what is not listed: the default route, and entries that are neither inside the network nor this cluster's nor of
    /// a lease.</summary>
    private ListedRoute? Listed(VpcId vpc, RouteEntry entry, LeaseSnapshot snapshot, LeaseDestinations leases)
    {
        if (entry.Destination is not { Length: > 0 } destination) return null;
        var owner = mark.OwnerOf(entry);
        var lease = leases.HolderOf(destination);
        if (lease is null && !snapshot.Config!.Covers(destination) && owner != RouteOwner.ThisCluster) return null;
        return new ListedRoute(vpc, entry, KindOf(entry, owner, leases), owner, OwnershipMark.TokenOf(entry))
        {
            Lease = lease,
            HasWrongNextHop = lease is not null && LeaseDestinations.LeadsElsewhere(entry, destination, lease),
        };
    }

    private static ListedKind KindOf(RouteEntry entry, RouteOwner owner, LeaseDestinations leases)
    {
        var destination = entry.Destination!.Value;
        if (leases.HolderOf(destination) is not null && owner != RouteOwner.OtherCluster && entry.IsCustom) return ListedKind.Leased;
        if (!NextHops.MayBeChanged(entry, owner)) return ListedKind.Hosted;
        if (owner == RouteOwner.OtherCluster) return ListedKind.OtherCluster;
        if (owner == RouteOwner.ThisCluster) return ListedKind.Stale;
        if (leases.Overlap(destination)) return ListedKind.Overlapping;
        return entry.Status == RouteEntryStatus.Available ? ListedKind.Unmanaged : ListedKind.Changing;
    }

    /// <summary>Which nodes of upstream flannel have no entry in any table: their leases do not say which table must have it.</summary>
    private static IEnumerable<RouteGap> GapsOf(IReadOnlyList<Lease> upstream, List<ListedRoute> routes) =>
        upstream.Where(lease => !routes.Any(route => route.Entry is { IsCustom: true, Status: RouteEntryStatus.Available } entry
                && entry.Destination == lease.Subnet))
            .Select(lease => new RouteGap(
                RouteGapKind.Missing, lease, lease.Subnet, null, "", null, "the node of upstream flannel writes its route itself"));
}
