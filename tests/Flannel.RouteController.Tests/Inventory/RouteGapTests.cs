using Flannel.AliCloud.Http;
using Flannel.AliCloud.Tests.Support;
using Flannel.AliCloud.Vpc;
using Flannel.RouteController.Inventory;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests.Inventory;

/// <summary>What <c>flanneld routes</c> reports about leases without a usable entry.</summary>
public sealed class RouteGapTests
{
    [Fact]
    public void A_lease_with_an_available_entry_to_its_node_in_every_serving_table_has_no_gap() => Run(async (cloud, leases) =>
    {
        cloud.AddSecondTable();
        leases.Add("10.24.1.0/24", "i-1");
        leases.Add("10.24.2.0/24", "i-2", vSwitch: "vsw-2");
        foreach (var table in new[] { "vtb-1", "vtb-2" })
        {
            cloud.AddEntry(table, "10.24.1.0/24", "i-1", Cluster.Mark.Token, Cluster.Mark.Description);
            cloud.AddEntry(table, "10.24.2.0/24", "i-2", Plans.Theirs.Token);
        }

        var listing = await ListAsync(cloud, leases);
        Assert.Empty(listing.Gaps);
        Assert.Equal((2, true), (listing.Required, listing.IsComplete));
        cloud.Tables["vtb-2"].Entries.RemoveAt(0);
        Assert.Equal(["Missing 10.24.1.0/24 in vtb-2: "], await GapsAsync(cloud, leases));
    });

    [Fact]
    public void A_wrong_next_hop_and_a_changing_entry_are_gaps_with_an_entry() => Run(async (cloud, leases) =>
    {
        leases.Add("10.24.1.0/24", "i-1");
        leases.Add("10.24.2.0/24", "i-2");
        cloud.AddEntry("vtb-1", "10.24.1.0/24", "i-other");
        cloud.AddEntry("vtb-1", "10.24.2.0/24", "i-2").Status = RouteEntryStatus.Pending;
        var listing = await ListAsync(cloud, leases);
        Assert.Equal(
            [
                "WrongNextHop 10.24.1.0/24 in vtb-1: it leads to Instance i-other", "NotAvailable 10.24.2.0/24 in vtb-1: it is Pending",
            ],
            listing.Gaps.Select(Describe));
        Assert.All(listing.Gaps, gap => Assert.False(gap.HasNoEntry));
        Assert.Equal([true, false], listing.Routes.Select(route => route.HasWrongNextHop));
    });

    [Fact]
    public void A_table_that_serves_no_node_need_not_have_an_entry() => Run(async (cloud, leases) =>
    {
        cloud.AddSecondTable();
        leases.Add("10.24.1.0/24", "i-1");
        cloud.AddEntry("vtb-1", "10.24.1.0/24", "i-1");
        cloud.AddEntry("vtb-2", "10.24.9.0/24", "i-9");
        var listing = await ListAsync(cloud, leases);
        Assert.Empty(listing.Gaps);
        Assert.Equal([true, false], listing.Routes.Select(route => route.ServesNodes));
        // RouteTableID names it.
        Assert.Equal(["Missing 10.24.1.0/24 in vtb-2: "], await GapsAsync(cloud, leases, "vtb-2"));
    });

    [Fact]
    public void An_IPv6_subnet_needs_an_entry_of_its_own() => Run(async (cloud, leases) =>
    {
        leases.Config = InMemoryLeases.ConfigFor("10.24.0.0/16", "fd00::/48");
        leases.Add("10.24.1.0/24", "i-1", ipv6: "fd00:0:0:1::/64");
        cloud.AddEntry("vtb-1", "10.24.1.0/24", "i-1");
        Assert.Equal(["Missing fd00:0:0:1::/64 in vtb-1: "], await GapsAsync(cloud, leases));
        cloud.AddEntry("vtb-1", "fd00:0:0:1::/64", "i-1");
        Assert.Empty(await GapsAsync(cloud, leases));
    });

    [Fact]
    public void An_IPv6_subnet_that_can_have_no_route_is_a_gap() => Run(async (cloud, leases) =>
    {
        leases.Config = InMemoryLeases.ConfigFor("10.24.0.0/16", "fd00::/48");
        leases.Add("10.24.1.0/24", "i-1", ipv6: "fd01:0:0:1::/64");
        cloud.AddEntry("vtb-1", "10.24.1.0/24", "i-1");
        var listing = await ListAsync(cloud, leases);
        var gap = Assert.Single(listing.Gaps);
        Assert.Equal((RouteGapKind.Unroutable, "fd01:0:0:1::/64", 1), (gap.Kind, gap.Destination.ToString(), listing.Required));
        Assert.Contains("outside IPv6Network", gap.Detail, StringComparison.Ordinal);
    });

    [Fact]
    public void A_lease_outside_a_changed_network_still_needs_its_entry_and_its_entry_is_listed() => Run(async (cloud, leases) =>
    {
        leases.Config = InMemoryLeases.ConfigFor("10.99.0.0/16");
        leases.Add("10.24.1.0/24", "i-1");
        Assert.Equal(["Missing 10.24.1.0/24 in vtb-1: "], await GapsAsync(cloud, leases));
        cloud.AddEntry("vtb-1", "10.24.1.0/24", "i-1");
        Assert.Equal(ListedKind.Leased, Assert.Single((await ListAsync(cloud, leases)).Routes).Kind);
    });

    [Fact]
    public void A_released_lease_a_reservation_and_another_backend_need_no_route() => Run(async (cloud, leases) =>
    {
        leases.Add("10.24.1.0/24", "i-1");
        leases.Release("10.24.1.0/24");
        leases.Add("10.24.2.0/24", "vxlan", null);
        leases.Add("10.24.3.0/24", "ali-vpc", null);
        leases.Reattach("10.24.3.0/24", 0);
        var listing = await ListAsync(cloud, leases);
        Assert.Empty(listing.Gaps);
        Assert.Equal(0, listing.Required);
    });

    [Fact]
    public void A_node_of_upstream_needs_an_entry_in_any_table() => Run(async (cloud, leases) =>
    {
        leases.Add("10.24.2.0/24", "ali-vpc", null);
        Assert.Equal(
            ["Missing 10.24.2.0/24 in : the node of upstream flannel writes its route itself"], await GapsAsync(cloud, leases));
        cloud.AddEntry("vtb-1", "10.24.2.0/24", "i-any");
        Assert.Empty(await GapsAsync(cloud, leases));
    });

    [Fact]
    public void A_vSwitch_whose_table_is_not_known_is_a_gap() => Run(async (cloud, leases) =>
    {
        leases.Add("10.24.1.0/24", "i-1", vSwitch: "vsw-unknown");
        var listing = await ListAsync(cloud, leases);
        Assert.Equal(RouteGapKind.UnknownTable, Assert.Single(listing.Gaps).Kind);
        Assert.Contains("vsw-unknown", listing.Gaps[0].Detail, StringComparison.Ordinal);
    });

    [Fact]
    public void What_could_not_be_read_is_a_problem_and_no_gap() => Run(async (cloud, leases) =>
    {
        leases.Add("10.24.1.0/24", "i-1");
        var wait = TimeSpan.FromSeconds(7);
        cloud.Faults = call => call.Action == "DescribeRouteEntryList"
            ? new InMemoryCloudApi.Fault(CloudErrorKind.Retry, "Throttling", RetryAfter: wait) : null;
        var listing = await ListAsync(cloud, leases);
        Assert.Empty(listing.Gaps);
        Assert.Contains("vtb-1 not read: Throttling", Assert.Single(listing.Problems), StringComparison.Ordinal);
        Assert.Equal(wait, listing.RetryAfter);
    });

    [Theory]
    [InlineData("DescribeRouteEntryList")]
    [InlineData("DescribeRouteTableList")]
    public void A_throttled_read_is_repeated(string action) => Run(async (cloud, leases) =>
    {
        leases.Add("10.24.1.0/24", "i-1");
        var faults = 3;
        cloud.Faults = call => call.Action == action && faults-- > 0
            ? new InMemoryCloudApi.Fault(CloudErrorKind.Retry, "Throttling.User") : null;
        var listing = await ListAsync(cloud, leases);
        Assert.Empty(listing.Problems);
        Assert.Equal(4, cloud.Count(action));
        Assert.Equal(["Missing 10.24.1.0/24 in vtb-1: "], listing.Gaps.Select(Describe));
    });

    [Fact]
    public void The_pauses_of_all_reads_together_are_limited() => Run(async (cloud, leases) =>
    {
        cloud.AddSecondTable();
        leases.Add("10.24.1.0/24", "i-1");
        leases.Add("10.24.2.0/24", "i-2", vSwitch: "vsw-2");
        cloud.Faults = call => call.Action == "DescribeRouteEntryList"
            ? new InMemoryCloudApi.Fault(CloudErrorKind.Retry, "ServiceUnavailable") { HttpStatus = 503 } : null;
        var listing = await ListAsync(cloud, leases);
        Assert.Equal(2, listing.Problems.Count);
        var limit = RetryingCloudReads.Limit;
        Assert.InRange(cloud.Calls[^1].At - cloud.Calls[0].At, limit / 2, limit + TimeSpan.FromSeconds(5));
    });

    [Fact]
    public void Cancellation_ends_the_pause_after_a_throttled_read() => Run(async (cloud, leases) =>
    {
        leases.Add("10.24.1.0/24", "i-1");
        cloud.Faults = call => call.Action == "DescribeRouteEntryList"
            ? new InMemoryCloudApi.Fault(CloudErrorKind.Retry, "Throttling", RetryAfter: TimeSpan.FromSeconds(15)) : null;
        using var interrupt = new CancellationTokenSource(TimeSpan.FromSeconds(1), cloud.Time);
        var start = cloud.Time.GetTimestamp();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ListAsync(cloud, leases, interrupt.Token));
        Assert.Equal(TimeSpan.FromSeconds(1), cloud.Time.GetElapsedTime(start));
    });

    [Fact]
    public void A_read_without_a_response_is_not_repeated() => Run(async (cloud, leases) =>
    {
        leases.Add("10.24.1.0/24", "i-1");
        cloud.Faults = call => call.Action == "DescribeRouteEntryList" ? InMemoryCloudApi.Fault.NoConnection : null;
        Assert.Single((await ListAsync(cloud, leases)).Problems);
        Assert.Equal(1, cloud.Count("DescribeRouteEntryList"));
    });

    [Fact]
    public void Without_the_permission_to_list_tables_those_of_the_nodes_are_compared() => Run(async (cloud, leases) =>
    {
        cloud.DeniedActions.Add("vpc:DescribeRouteTableList");
        leases.Add("10.24.1.0/24", "i-1");
        var listing = await ListAsync(cloud, leases);
        Assert.Equal(["Missing 10.24.1.0/24 in vtb-1: "], listing.Gaps.Select(Describe));
        Assert.Contains("vpc:DescribeRouteTableList", Assert.Single(listing.Problems), StringComparison.Ordinal);
    });

    private static async Task<IEnumerable<string>> GapsAsync(InMemoryCloudApi cloud, InMemoryLeases leases, params string[] tables) =>
        (await ListAsync(cloud, leases, tables)).Gaps.Select(Describe);

    private static string Describe(RouteGap gap) => $"{gap.Kind} {gap.Destination} in {gap.TableId}: {gap.Detail}";

    private static Task<RouteListingResult> ListAsync(InMemoryCloudApi cloud, InMemoryLeases leases, params string[] tables) =>
        ListAsync(cloud, leases, TestContext.Current.CancellationToken, tables);

    private static Task<RouteListingResult> ListAsync(
        InMemoryCloudApi cloud, InMemoryLeases leases, CancellationToken cancellation, params string[] tables) =>
        new RouteInventory(InMemoryTerm.OurCluster, tables, cloud, cloud.Time, new Random(1), new RecordingLogger())
            .ListAsync(leases.Snapshot, new VpcId("cn-hangzhou", "vpc-1"), cancellation);

    private static void Run(Func<InMemoryCloudApi, InMemoryLeases, Task> test) =>
        VirtualTime.Run(time => test(InMemoryCloudApi.WithOneTable(time), new InMemoryLeases()));
}
