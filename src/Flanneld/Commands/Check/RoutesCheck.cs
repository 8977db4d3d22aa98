using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.RouteController.Inventory;
using Flannel.RouteController.Planning;
using Flanneld.Backends;
using Flanneld.Clients;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flanneld.Commands.Check;

/// <summary>Compares the route tables with the leases, and counts the entries inside the network that are not this cluster's.</summary>
/// <param name="isKubernetes">Whether a cloud controller manager may write routes, too.</param>
internal sealed class RoutesCheck(
    CloudAccess cloud, AliVpcBackendConfig backend, CheckSection results, ClientContext context, bool isKubernetes)
{
    private const int NamedEntries = 5;

    /// <param name="own">The VPC of this node.</param>
    public async Task RunAsync(LeaseSnapshot leases, CheckedCluster cluster, VpcId own, CancellationToken cancellation)
    {
        var inventory = new RouteInventory(
            cluster.Id, backend.RouteTableIds, cloud.Api, context.Time, context.Random, NullLogger.Instance);
        var listing = await inventory.ListAsync(leases, own, cancellation);
        CheckPlan(listing);
        if (isKubernetes) CheckCloudControllerManager(listing);
        CheckOtherClusters(listing);
        CheckOtherEntries(listing);
    }

    private void CheckPlan(RouteListingResult listing)
    {
        var kind = CheckKind.LeasesAndRoutes;
        if (!listing.IsPlanComplete)
            results.Add(CheckResult.Warning(kind, "some could not be compared", "see 'flanneld --dry-run'"));
        else if (listing.Changes == 0)
            results.Add(CheckResult.Ok(kind, "agree"));
        else
        {
            results.Add(CheckResult.Warning(
                kind, Plural.Of(listing.Changes, "route differs", "routes differ"),
                "the route controller corrects them; if they remain, see 'flanneld --dry-run' and its log"));
        }
    }

    /// <summary>Alibaba Cloud's controller manager writes the same routes, without a mark, unless it is configured not to. The route
    /// controller marks the entries that exist when it finds them: one without a mark is new.</summary>
    private void CheckCloudControllerManager(RouteListingResult listing)
    {
        var written = listing.Routes.Where(route => route is { Kind: ListedKind.Leased, Entry.IsCustom: true, Mark: null }).ToList();
        var kind = CheckKind.CloudControllerManager;
        if (written.Count == 0)
        {
            results.Add(CheckResult.Ok(kind, "no route to a node's podCIDR without the mark of this program"));
            return;
        }

        var warning = CheckResult.Warning(
            kind, $"{Plural.Of(written.Count, "route", "routes")} to podCIDRs of nodes without the mark of this program",
            "start the cloud controller manager with --configure-cloud-routes=false; else ignore it until the route controller has marked"
            + " the routes");
        results.Add(warning with { Lines = Describe(written) });
    }

    /// <summary>Also those that overlap no lease yet: a later lease may get the same subnet.</summary>
    private void CheckOtherClusters(RouteListingResult listing)
    {
        var others = listing.Routes.Where(route => route is { Kind: ListedKind.OtherCluster, Mark: not null })
            .GroupBy(route => (route.Vpc, Mark: route.Mark!)).OrderBy(group => group.Key.Mark, StringComparer.Ordinal);
        foreach (var other in others)
        {
            var warning = CheckResult.Warning(
                CheckKind.OtherClusters,
                $"{Plural.Of(other.Count(), "route")} of {other.Key.Mark} in {other.Key.Vpc}, inside this cluster's network",
                "give each cluster of a VPC its own network; if that cluster no longer exists: flanneld routes clean --of"
                + $" {other.Key.Mark}");
            results.Add(warning with { Lines = Describe(other) });
        }
    }

    private void CheckOtherEntries(RouteListingResult listing)
    {
        var unmanaged = listing.Routes.Where(route => route.Kind == ListedKind.Unmanaged).ToList();
        if (unmanaged.Count > 0)
        {
            var warning = CheckResult.Warning(
                CheckKind.UnmanagedRoutes,
                $"{Plural.Of(unmanaged.Count, "entry", "entries")} without a mark and without a lease inside the network",
                "see 'flanneld routes'; if no one needs them, 'flanneld routes clean --unmanaged' deletes them");
            results.Add(warning with { Lines = Describe(unmanaged) });
        }

        var others = listing.Routes.Where(route => route.Kind is ListedKind.Hosted or ListedKind.Overlapping).ToList();
        if (others.Count == 0) return;
        var found = CheckResult.Warning(
            CheckKind.OtherEntries,
            $"{Plural.Of(others.Count, "entry", "entries")} of other owners inside the network, or across the subnet of a lease",
            "the longest destination wins: give the containers a network that no other route is in");
        results.Add(found with { Lines = Describe(others) });
    }

    private static List<string> Describe(IEnumerable<ListedRoute> routes)
    {
        var all = routes.ToList();
        List<string> lines = [.. all.Take(NamedEntries).Select(Describe)];
        if (all.Count > lines.Count) lines.Add($"and {all.Count - lines.Count} more");
        return lines;
    }

    private static string Describe(ListedRoute route)
    {
        var name = route.Entry.Name is { Length: > 0 } text ? $" ({text})" : "";
        var hops = string.Join(' ', route.Entry.NextHops.Select(hop => hop.Id));
        return $"{route.Entry.Destination} to {hops} in {route.Entry.RouteTableId}{name}";
    }
}
