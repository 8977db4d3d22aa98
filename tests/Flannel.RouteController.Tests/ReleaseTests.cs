using Flannel.AliCloud.Vpc;
using Flannel.Core.Routes;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests;

/// <summary>A node releases its subnet: its route is deleted at once, and no other one.</summary>
public sealed class ReleaseTests
{
    [Fact]
    public void The_route_is_deleted_without_the_grace_time_and_the_node_is_notified() => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.2.0/24");
        var before = cluster.Time.GetUtcNow();
        cluster.Leases.Release("10.24.2.0/24");
        await cluster.UntilState("10.24.2.0/24", RouteState.Released);
        Assert.True(cluster.Time.GetUtcNow() - before < TimeSpan.FromSeconds(10));
        Assert.Null(cluster.Hop("10.24.2.0/24"));
        Assert.Equal("i-1", cluster.Hop("10.24.1.0/24"));
        Assert.Equal(RouteState.Available, cluster.State("10.24.1.0/24"));
        cluster.Leases.Remove("10.24.2.0/24");
        await cluster.Time.Pass(TimeSpan.FromMinutes(3));
        Assert.Equal(1, cluster.Cloud.Count("DeleteRouteEntries"));
    });

    [Fact]
    public void The_route_of_the_last_node_of_a_VPC_is_deleted_after_its_release() => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        cluster.Leases.Release("10.24.1.0/24");
        await cluster.UntilState("10.24.1.0/24", RouteState.Released);
        Assert.Null(cluster.Hop("10.24.1.0/24"));
    });

    [Fact]
    public void A_new_controller_finds_the_release_in_the_lease() => Cluster.Run(async cluster =>
    {
        cluster.AddMarked("10.24.1.0/24", "i-1");
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Leases.Release("10.24.1.0/24");
        cluster.Start();
        await cluster.UntilState("10.24.1.0/24", RouteState.Released);
        Assert.Null(cluster.Hop("10.24.1.0/24"));
        Assert.Equal(0, cluster.Cloud.Count("CreateRouteEntries"));
    });

    [Fact]
    public void A_restored_release_deletes_no_route_when_the_node_writes_its_lease_again() => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        cluster.Leases.Release("10.24.1.0/24");
        var backup = cluster.Leases.Backup();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.Time.Pass(TimeSpan.FromMinutes(5));
        var deletions = cluster.Cloud.Count("DeleteRouteEntries");
        cluster.Leases.Restore(backup);
        await cluster.Time.Pass(TimeSpan.FromSeconds(10));
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.Time.Pass(TimeSpan.FromMinutes(5));
        Assert.Equal(deletions, cluster.Cloud.Count("DeleteRouteEntries"));
        Assert.Equal("i-1", cluster.Hop("10.24.1.0/24"));
    });

    [Fact]
    public void A_restored_release_does_not_delete_the_route_of_another_node() => Cluster.Run(async cluster =>
    {
        cluster.AddMarked("10.24.1.0/24", "i-2");
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Leases.Release("10.24.1.0/24");
        cluster.Start();
        await cluster.UntilState("10.24.1.0/24", RouteState.Released);
        await cluster.Time.Pass(TimeSpan.FromMinutes(3));
        Assert.Equal("i-2", cluster.Hop("10.24.1.0/24"));
        Assert.Equal(0, cluster.Cloud.Count("DeleteRouteEntries"));
    });

    [Fact]
    public void A_node_that_starts_again_gets_its_route_again() => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        cluster.Leases.Release("10.24.1.0/24");
        await cluster.UntilState("10.24.1.0/24", RouteState.Released);
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.UntilAvailable("10.24.1.0/24");
        Assert.Equal("i-1", cluster.Hop("10.24.1.0/24"));
    });

    [Fact]
    public void No_status_is_Released_while_the_tables_cannot_be_read() => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Leases.Release("10.24.1.0/24");
        cluster.Cloud.DeniedActions.Add("vpc:DescribeRouteEntryList");
        cluster.Start();
        await cluster.Time.Pass(TimeSpan.FromSeconds(30));
        Assert.NotEqual(RouteState.Released, cluster.State("10.24.1.0/24"));
    });

    [Fact]
    public void A_status_of_a_subnet_without_a_lease_is_deleted() => Cluster.Run(async cluster =>
    {
        cluster.Term.Statuses.ByKey["10.24.7.0-24"] =
            new RouteStatus("10.24.7.0/24", "i-7", [], RouteState.Available, "", "", DateTimeOffset.UnixEpoch);
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        Assert.Equal(["10.24.1.0-24"], cluster.Term.Statuses.ByKey.Keys);
    });

    [Theory]
    [InlineData("ours", "i-1", RouteEntryStatus.Available, "Delete 10.24.1.0/24")]
    [InlineData("ours", "i-other", RouteEntryStatus.Available, "Delete 10.24.1.0/24")]
    [InlineData("", "i-1", RouteEntryStatus.Available, "Delete 10.24.1.0/24")]
    [InlineData("", "i-1", RouteEntryStatus.Deleting, "KeepInTransition 10.24.1.0/24")]
    [InlineData("", "i-other", RouteEntryStatus.Available, "Conflict:Unmanaged 10.24.1.0/24")]
    [InlineData("theirs", "i-1", RouteEntryStatus.Available, "Conflict:OtherCluster 10.24.1.0/24")]
    [InlineData("ours", "vpn-1", RouteEntryStatus.Available, "Conflict:Unmanaged 10.24.1.0/24")]
    [InlineData("", "i-1,i-2", RouteEntryStatus.Available, "Conflict:Unmanaged 10.24.1.0/24")]
    public void A_plan_for_an_entry_of_a_released_subnet(string mark, string hops, RouteEntryStatus status, string expected)
    {
        var entry = Plans.Entry("10.24.1.0/24", hops, mark, status);
        Assert.Equal(expected, Plans.Text(Plan([entry])));
    }

    [Fact]
    public void A_released_route_is_deleted_even_outside_the_network_unless_another_lease_desires_it()
    {
        var entry = Plans.Entry("10.24.1.0/24", "i-1", "ours");
        Assert.Equal("Keep 10.24.1.0/24", Plans.Text(Plan([entry], desired: [Plans.Desired("10.24.1.0/24")])));
        Assert.Equal("", Plans.Text(Plan([entry], excluded: ["10.24.1.0/25"])));
        Assert.Equal("Delete 10.99.1.0/24", Plans.Text(Plan([Plans.Entry("10.99.1.0/24", "i-1", "ours")], "10.99.1.0/24")));
    }

    private static IReadOnlyList<RouteAction> Plan(
        RouteEntry[] entries, string released = "10.24.1.0/24", IReadOnlyCollection<DesiredRoute>? desired = null,
        string[]? excluded = null) =>
        RoutePlan.For(new RoutePlanInput(
            "vtb-1", Plans.Network, desired ?? [],
            [.. (excluded ?? []).Select(Flannel.Core.Addresses.Ipv4Network.Parse)], entries, Plans.Ours)
        {
            Released = [Plans.Desired(released)],
        });
}
