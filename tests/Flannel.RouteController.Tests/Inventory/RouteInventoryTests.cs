using Flannel.AliCloud.Http;
using Flannel.AliCloud.Tests.Support;
using Flannel.AliCloud.Vpc;
using Flannel.RouteController.Inventory;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests.Inventory;

public sealed class RouteInventoryTests
{
    private static readonly VpcId Vpc = new("cn-hangzhou", "vpc-1");

    [Fact]
    public void Every_entry_inside_the_network_is_listed_with_its_kind() => Run(async (cloud, leases, routes) =>
    {
        leases.Add("10.24.1.0/24", "i-1");
        leases.Add("10.24.2.0/24", "ali-vpc", null);
        var listing = await ListAsync(routes, leases);
        Assert.True(listing.IsComplete);
        Assert.Equal(
            [
                "Leased 10.24.1.0/24 rte-1 i-1 Unmarked of 10.24.1.0/24", "Leased 10.24.2.0/24 rte-2 i-2 Unmarked of 10.24.2.0/24",
                "Overlapping 10.24.2.128/25 rte-3 i-3 Unmarked", "Stale 10.24.3.0/24 rte-4 i-3 ThisCluster",
                "OtherCluster 10.24.4.0/24 rte-5 i-4 OtherCluster", "Unmanaged 10.24.5.0/24 rte-6 i-5 Unmarked",
                "Unmanaged 10.24.6.0/24 rte-7 i-6 Unmarked",
            ],
            listing.Routes.Select(Describe));
        Assert.All(listing.Routes, route => Assert.True(route.ServesNodes));
        Assert.Equal([Vpc], listing.Vpcs);
        Assert.Equal(["rte-6", "rte-7"], listing.Unmanaged.Select(unmanaged => unmanaged.Entry.RouteEntryId));
        Assert.Equal(0, cloud.Writes);
    });

    [Fact]
    public void Only_listed_routes_are_deleted_and_not_those_of_new_leases() => Run(async (cloud, leases, routes) =>
    {
        leases.Add("10.24.1.0/24", "i-1");
        leases.Add("10.24.2.0/24", "ali-vpc", null);
        var listing = await ListAsync(routes, leases);
        leases.Add("10.24.6.0/24", "ali-vpc", null);
        var removal = await RemoveAsync(routes, listing.Unmanaged, leases);
        Assert.Equal(1, removal.Deleted);
        Assert.Equal(["rte-7 (vtb-1 10.24.6.0/24): a lease desires it by now"], removal.Problems);
        Assert.DoesNotContain(cloud.Routes("vtb-1"), route =>
            route.StartsWith("10.24.5.0/24", StringComparison.Ordinal) && !route.EndsWith("Deleting", StringComparison.Ordinal));
        string[] kept =
        [
            "10.24.1.0/24", "10.24.2.0/24", "10.24.2.128/25", "10.24.3.0/24", "10.24.4.0/24", "10.24.6.0/24", "10.99.0.0/24", "0.0.0.0/0",
        ];
        Assert.All(kept, destination => Assert.NotNull(cloud.Tables["vtb-1"].At(destination)));
    });

    [Fact]
    public void No_route_is_unmanaged_while_a_lease_cannot_be_read() => Run(async (cloud, leases, routes) =>
    {
        leases.IsComplete = false;
        var listing = await ListAsync(routes, leases);
        Assert.Empty(listing.Unmanaged);
        Assert.Contains("a lease cannot be read", Assert.Single(listing.Problems), StringComparison.Ordinal);
    });

    [Fact]
    public void A_missing_permission_is_named() => Run(async (cloud, leases, routes) =>
    {
        var listing = await ListAsync(routes, leases);
        cloud.DeniedActions.Add("vpc:DeleteRouteEntries");
        var removal = await RemoveAsync(routes, listing.Unmanaged, leases);
        Assert.Equal(0, removal.Deleted);
        Assert.All(removal.Problems, problem =>
            Assert.Contains("missing permission vpc:DeleteRouteEntries", problem, StringComparison.Ordinal));
    });

    [Fact]
    public void A_stale_route_can_be_deleted_at_once_even_outside_the_network() => Run(async (cloud, leases, routes) =>
    {
        cloud.AddEntry("vtb-1", "10.99.7.0/24", "i-7", Cluster.Mark.Token, Cluster.Mark.Description);
        var listing = await ListAsync(routes, leases);
        Assert.Equal(["10.24.3.0/24", "10.99.7.0/24"], listing.Stale.Select(route => route.Entry.DestinationText));
        var removal = await RemoveAsync(routes, listing.Stale, leases);
        Assert.Equal(2, removal.Deleted);
    });

    [Fact]
    public void Routes_of_another_cluster_are_deleted_on_demand_except_those_to_nodes_with_a_lease() => Run(async (cloud, leases, routes) =>
    {
        cloud.AddEntry("vtb-1", "10.24.8.0/24", "i-8", Plans.Theirs.Token, Plans.Theirs.Description);
        cloud.AddEntry("vtb-1", "10.24.9.0/24", "i-lost", "", Plans.Theirs.Description);
        cloud.AddEntry("vtb-1", "10.24.10.0/24", "vpn-1", Plans.Theirs.Token, type: "VpnGateway");
        leases.Add("10.24.8.0/24", "i-8");
        leases.Add("10.24.9.0/24", "i-9");
        var listing = await ListAsync(routes, leases);
        Assert.Equal(["10.24.4.0/24", "10.24.8.0/24", "10.24.9.0/24"],
            listing.OfOtherClusters.Select(route => route.Entry.DestinationText));
        Assert.All(listing.OfOtherClusters, route => Assert.Equal(Plans.Theirs.Token, route.Mark));
        var removal = await RemoveAsync(routes, listing.OfOtherClusters, leases);
        Assert.Equal(2, removal.Deleted);
        Assert.Contains("10.24.8.0/24", Assert.Single(removal.Problems), StringComparison.Ordinal);
    });

    [Fact]
    public void A_route_to_a_gateway_is_neither_unmanaged_nor_stale() => Run(async (cloud, leases, routes) =>
    {
        cloud.AddEntry("vtb-1", "10.24.20.0/24", "vpn-1", type: "VpnGateway");
        cloud.AddEntry("vtb-1", "10.24.21.0/24", "vpn-1", Cluster.Mark.Token, type: "VpnGateway");
        var listing = await ListAsync(routes, leases);
        Assert.DoesNotContain(listing.Unmanaged.Concat(listing.Stale), route => route.Entry.NextHops[0].Type == "VpnGateway");
        Assert.Equal(ListedKind.Hosted, Assert.Single(listing.Routes, route => route.Entry.DestinationText == "10.24.20.0/24").Kind);
    });

    [Theory]
    [InlineData("<timeout>", CloudErrorKind.Reread, 0, true)]
    [InlineData("<answer>", CloudErrorKind.Reread, 200, false)]
    [InlineData("<answer>", CloudErrorKind.Reread, 413, false)]
    [InlineData("<answer>", CloudErrorKind.Reread, 414, false)]
    [InlineData("<answer>", CloudErrorKind.Reread, 431, false)]
    [InlineData("RequestTooLong", CloudErrorKind.Unknown, 413, false)]
    [InlineData("InternalError", CloudErrorKind.Retry, 500, false)]
    public void A_batch_that_fails_because_of_its_size_is_repeated_in_smaller_ones(
        string code, CloudErrorKind kind, int status, bool isDone) => Run(async (cloud, leases, routes) =>
    {
        for (var i = 100; i < 160; i++) cloud.AddEntry("vtb-1", $"10.24.{i}.0/24", "i-old");
        var listing = await ListAsync(routes, leases);
        // A gateway on the path drops every request with more than ten entries, or its response.
        cloud.Faults = call => call.Action == "DeleteRouteEntries" && call.Subjects.Count > 10
            ? new InMemoryCloudApi.Fault(kind, code, isDone, TimeSpan.FromSeconds(20)) { HttpStatus = status } : null;
        var removal = await RemoveAsync(routes, [.. listing.Unmanaged.Where(route => route.Entry.NextHops[0].Id == "i-old")], leases);
        Assert.Empty(removal.Problems);
        Assert.Equal(60, removal.Deleted);
        Assert.DoesNotContain(cloud.Routes("vtb-1"), route => route.EndsWith("i-old Available", StringComparison.Ordinal));
        var sizes = cloud.Calls.Where(call => call.IsWrite).Select(call => call.Subjects.Count).ToList();
        // A status for a long request shrinks the batch at once, a lost response only the second time.
        int[] first = status is 413 or 414 or 431 ? [50, 25, 12, 6, 6] : [50, 50, 25, 25, 12, 12, 6];
        Assert.Equal(first, sizes[..first.Length]);
    });

    [Fact]
    public void An_unavailable_API_ends_the_deletion_of_all_routes_after_one_time_limit() => Run(async (cloud, leases, routes) =>
    {
        for (var i = 100; i < 160; i++) cloud.AddEntry("vtb-1", $"10.24.{i}.0/24", "i-old");
        var listing = await ListAsync(routes, leases);
        cloud.Faults = call => call.IsWrite ? InMemoryCloudApi.Fault.NoConnection : null;
        var removal = await RemoveAsync(routes, listing.Unmanaged, leases);
        Assert.Equal(0, removal.Deleted);
        Assert.Equal(listing.Unmanaged.Count, removal.Problems.Count);
        Assert.All(removal.Problems, problem => Assert.Contains("<connect>", problem, StringComparison.Ordinal));
        Assert.InRange(cloud.Calls[^1].At, TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(3));
    });

    [Fact]
    public void A_lease_that_is_created_while_a_batch_is_retried_keeps_its_route() => Run(async (cloud, leases, routes) =>
    {
        leases.Add("10.24.1.0/24", "i-1");
        leases.Add("10.24.2.0/24", "ali-vpc", null);
        var listing = await ListAsync(routes, leases);
        var conflicts = 1;
        cloud.Faults = call =>
        {
            if (!call.IsWrite || conflicts-- <= 0) return null;
            leases.Add("10.24.6.0/24", "ali-vpc", null);
            return InMemoryCloudApi.Fault.Busy;
        };
        var removal = await RemoveAsync(routes, listing.Unmanaged, leases);
        Assert.Equal(1, removal.Deleted);
        Assert.Equal(["rte-7 (vtb-1 10.24.6.0/24): a lease desires it by now"], removal.Problems);
        Assert.Equal(RouteEntryStatus.Available, cloud.Tables["vtb-1"].At("10.24.6.0/24")!.Status);
    });

    [Fact]
    public void The_changes_are_those_of_the_dry_run() => Run(async (cloud, leases, routes) =>
    {
        // No route controller works in a VPC without leases.
        Assert.Equal(0, (await ListAsync(routes, leases)).Changes);
        leases.Add("10.24.1.0/24", "i-1");
        leases.Add("10.24.7.0/24", "i-7");
        var run = await RouteDryRun.RunAsync(
            leases.Snapshot, InMemoryTerm.OurCluster, [], cloud, new RecordingLogger(), TestContext.Current.CancellationToken);
        var listing = await ListAsync(routes, leases);
        // One to create, one to mark, one to delete.
        Assert.Equal((3, true), (run.Changes, run.Complete));
        Assert.Equal((3, true), (listing.Changes, listing.IsPlanComplete));
    });

    [Fact]
    public void A_plan_is_complete_without_the_permission_to_list_tables_and_incomplete_if_a_table_is_not_read() =>
        Run(async (cloud, leases, routes) =>
        {
            leases.Add("10.24.1.0/24", "i-1");
            cloud.DeniedActions.Add("vpc:DescribeRouteTableList");
            var denied = await ListAsync(routes, leases);
            Assert.Equal((true, false), (denied.IsPlanComplete, denied.IsComplete));
            cloud.DeniedActions.Add("vpc:DescribeRouteEntryList");
            Assert.False((await ListAsync(routes, leases)).IsPlanComplete);
        });

    private static string Describe(ListedRoute route) =>
        $"{route.Kind} {route.Entry.DestinationText} {route.Entry.RouteEntryId} {route.Entry.NextHops[0].Id} {route.Owner}"
        + (route.Lease is { } lease ? $" of {lease.Subnet}" : "");

    private static Task<RouteListingResult> ListAsync(RouteInventory routes, InMemoryLeases leases) =>
        routes.ListAsync(leases.Snapshot, Vpc, TestContext.Current.CancellationToken);

    private static Task<RouteRemovalResult> RemoveAsync(
        RouteInventory routes, IReadOnlyList<ListedRoute> listed, InMemoryLeases leases) =>
        routes.RemoveAsync(listed, () => Task.FromResult(leases.Snapshot), TestContext.Current.CancellationToken);

    private static void Run(Func<InMemoryCloudApi, InMemoryLeases, RouteInventory, Task> test) => VirtualTime.Run(async time =>
    {
        var cloud = InMemoryCloudApi.WithOneTable(time);
        cloud.AddEntry("vtb-1", "10.24.1.0/24", "i-1", "");
        cloud.AddEntry("vtb-1", "10.24.2.0/24", "i-2", "");
        cloud.AddEntry("vtb-1", "10.24.2.128/25", "i-3", "");
        cloud.AddEntry("vtb-1", "10.24.3.0/24", "i-3", Cluster.Mark.Token, Cluster.Mark.Description);
        cloud.AddEntry("vtb-1", "10.24.4.0/24", "i-4", Plans.Theirs.Token);
        cloud.AddEntry("vtb-1", "10.24.5.0/24", "i-5", "mine");
        cloud.AddEntry("vtb-1", "10.24.6.0/24", "i-6", "");
        cloud.AddEntry("vtb-1", "10.99.0.0/24", "i-6", "");
        cloud.AddEntry("vtb-1", "0.0.0.0/0", "i-6", "");
        var routes = new RouteInventory(InMemoryTerm.OurCluster, [], cloud, time, new Random(1), new RecordingLogger());
        await test(cloud, new InMemoryLeases(), routes);
    });
}
