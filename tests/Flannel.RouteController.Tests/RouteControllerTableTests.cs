using Flannel.AliCloud.Http;
using Flannel.Core.Routes;
using Flannel.RouteController.Abstractions;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Tests.Support;

using Fault = Flannel.RouteController.Tests.Support.InMemoryCloudApi.Fault;

namespace Flannel.RouteController.Tests;

/// <summary>Which route tables are used, and what the ranges of the VPC exclude.</summary>
public sealed class RouteControllerTableTests
{
    [Fact]
    public void While_a_serving_table_cannot_be_read_the_reconcile_is_not_reported_as_complete() => Cluster.Run(async cluster =>
    {
        var isReadable = false;
        cluster.Cloud.AddTable("vpc-1", "vtb-2");
        cluster.Cloud.AddVSwitch("vsw-2", "vpc-1", "vtb-2", "192.168.2.0/24");
        cluster.Cloud.Faults = call =>
            !isReadable && call.Action == "DescribeRouteEntryList" && call.Subjects.Contains("vtb-2") ? Fault.NoConnection : null;
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2", "vsw-2");
        await cluster.Time.Pass(TimeSpan.FromMinutes(5));
        Assert.NotNull(cluster.Hop("10.24.1.0/24"));
        Assert.Null(cluster.Hop("10.24.1.0/24", "vtb-2"));
        Assert.Equal(0, cluster.Log.Count(3542));
        Assert.Null(cluster.Controller.Snapshot.LastReconcile);

        isReadable = true;
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.2.0/24");
        await cluster.Time.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal(1, cluster.Log.Count(3542));
        Assert.NotNull(cluster.Controller.Snapshot.LastReconcile);
    });

    [Fact]
    public void An_entry_that_names_another_table_causes_no_busy_loop() => Cluster.Run(async cluster =>
    {
        cluster.AddMarked("10.24.1.0/24", "i-before");
        cluster.Cloud.ListedTableId = " ";
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.Time.Pass(TimeSpan.FromMinutes(10));
        Assert.InRange(cluster.Cloud.Calls.Count, 10, 100);
        Assert.Equal(0, cluster.Cloud.Writes);
    });

    [Fact]
    public void Every_route_goes_into_every_table_that_serves_a_node_in_one_call() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.AddTable("vpc-1", "vtb-2");
        cluster.Cloud.AddTable("vpc-1", "vtb-3");
        cluster.Cloud.AddVSwitch("vsw-2", "vpc-1", "vtb-2", "192.168.2.0/24");
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2", "vsw-2");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.2.0/24");
        Assert.Equal(["10.24.1.0/24 i-1 Available", "10.24.2.0/24 i-2 Available"], cluster.Cloud.Routes("vtb-1").Order());
        Assert.Equal(["10.24.1.0/24 i-1 Available", "10.24.2.0/24 i-2 Available"], cluster.Cloud.Routes("vtb-2").Order());
        Assert.Empty(cluster.Cloud.Routes("vtb-3"));
        Assert.Equal(["vtb-1", "vtb-2"], cluster.Status("10.24.1.0/24")!.RouteTableIds);
        Assert.Equal(1, cluster.Cloud.Writes);
    });

    [Fact]
    public void Configured_tables_are_used_but_not_the_table_of_a_gateway() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.AddTable("vpc-1", "vtb-named");
        cluster.Cloud.AddTable("vpc-1", "vtb-gateway", isGateway: true);
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        Assert.Equal("i-1", cluster.Hop("10.24.1.0/24", "vtb-named"));
        Assert.Equal(["vtb-1", "vtb-named"], cluster.Status("10.24.1.0/24")!.RouteTableIds);
        Assert.DoesNotContain(cluster.Cloud.Calls, call => call.Subjects.Any(s => s.Contains("vtb-gateway", StringComparison.Ordinal)));
        await cluster.Time.Pass(TimeSpan.FromMinutes(5));
        Assert.Equal(2, cluster.Log.Count(3512));
    }, new RouteControllerOptions(["vtb-named", "vtb-gateway", "vtb-unknown"]));

    [Fact]
    public void A_vSwitch_that_moves_to_another_table_is_detected_and_its_nodes_stay_available() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.AddTable("vpc-1", "vtb-2");
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        cluster.Cloud.AddVSwitch("vsw-1", "vpc-1", "vtb-2");
        await cluster.Time.Until(() => cluster.Hop("10.24.1.0/24", "vtb-2") == "i-1");
        await cluster.Time.Until(() => cluster.Status("10.24.1.0/24")!.RouteTableIds.SequenceEqual(["vtb-2"]));
        Assert.InRange(cluster.Time.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(65));
        Assert.DoesNotContain(cluster.Term.Statuses.Published.Skip(2), published => published.Status.State != RouteState.Available);
    });

    [Fact]
    public void Tables_are_found_through_the_vSwitches_if_listing_is_not_permitted() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.DeniedActions.Add("vpc:DescribeRouteTableList");
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        Assert.Equal(1, cluster.Log.Count(3511));
    });

    [Fact]
    public void A_vswitch_of_another_vpc_or_of_none_affects_only_its_own_node() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.AddTable("vpc-2", "vtb-2");
        cluster.Cloud.AddVSwitch("vsw-2", "vpc-2", "vtb-2");
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2", "vsw-2");
        cluster.Join("10.24.3.0/24", "i-3", "vsw-unknown");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        await cluster.UntilState("10.24.2.0/24", RouteState.Rejected);
        await cluster.UntilState("10.24.3.0/24", RouteState.Rejected);
        Assert.Contains("vpc-2", cluster.Status("10.24.2.0/24")!.Message, StringComparison.Ordinal);
        Assert.Contains("InvalidVSwitchId.NotFound", cluster.Status("10.24.3.0/24")!.Message, StringComparison.Ordinal);
        Assert.Empty(cluster.Cloud.Routes("vtb-2"));
    });

    [Fact]
    public void A_vSwitch_that_could_not_be_read_is_read_again_within_seconds() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.DeniedActions.Add("vpc:DescribeRouteTableList");
        cluster.Cloud.AddSecondTable();
        var faults = 1;
        cluster.Cloud.Faults = call => call.Action == "DescribeVSwitchAttributes" && call.Subjects[0] == "vsw-2" && faults-- > 0
            ? Fault.NoConnection
            : null;
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2", "vsw-2");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.2.0/24");
        Assert.InRange(cluster.Time.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(6));
        Assert.Equal("i-1", cluster.Hop("10.24.1.0/24", "vtb-2"));
    });

    [Fact]
    public void Available_routes_stay_available_when_the_permission_to_read_tables_is_removed_and_the_term_ends() =>
        Cluster.Run(async cluster =>
        {
            cluster.Join("10.24.1.0/24", "i-1");
            cluster.Start();
            await cluster.UntilAvailable("10.24.1.0/24");
            cluster.Cloud.DeniedActions.UnionWith(["vpc:DescribeRouteTableList", "vpc:DescribeVSwitchAttributes"]);
            await cluster.Time.Until(() => cluster.Running.IsCompleted, TimeSpan.FromMinutes(3));
            Assert.Equal(RouteState.Available, cluster.State("10.24.1.0/24"));
            Assert.Equal("vpc:DescribeVSwitchAttributes", Assert.IsType<TermResult.Denied>(await cluster.Running).Action);
        });

    [Fact]
    public void A_table_that_cannot_be_read_does_not_stop_the_others() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.AddSecondTable();
        cluster.Cloud.Faults = call => call.Action == "DescribeRouteEntryList" && call.Subjects[0] == "vtb-2"
            ? new Fault(CloudErrorKind.Unknown, "Strange")
            : null;
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2", "vsw-2");
        cluster.Start();
        await cluster.Time.Until(() => cluster.Hop("10.24.2.0/24") == "i-2");
        await cluster.Time.Pass(TimeSpan.FromMinutes(3));
        Assert.Contains("Strange", cluster.Status("10.24.1.0/24")!.Message, StringComparison.Ordinal);
        Assert.Empty(cluster.Cloud.Routes("vtb-2"));
        Assert.False(cluster.Running.IsCompleted);
        cluster.Cloud.Faults = _ => null;
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.2.0/24");
    });

    [Fact]
    public void A_failed_listing_of_the_tables_stops_no_node_while_the_tables_are_known() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.AddSecondTable();
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        cluster.Cloud.Faults = call => call.Action == "DescribeRouteTableList" ? new Fault(CloudErrorKind.Retry, "Throttling.Api") : null;
        await cluster.Time.Pass(TimeSpan.FromMinutes(10));
        var (joined, listings) = (cluster.Time.Elapsed, cluster.Cloud.Count("DescribeRouteTableList"));
        cluster.Join("10.24.2.0/24", "i-2");
        // Its vSwitch was in no listing and is read by itself.
        cluster.Join("10.24.3.0/24", "i-3", "vsw-2");
        await cluster.UntilAvailable("10.24.2.0/24", "10.24.3.0/24");
        Assert.InRange(cluster.Time.Elapsed - joined, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.InRange(listings, 10, 60);
        Assert.False(cluster.Running.IsCompleted);
    });

    [Fact]
    public void A_full_table_is_identified_although_the_response_names_no_table() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.Quota = 4;
        cluster.Cloud.AddSecondTable();
        for (var i = 1; i <= 4; i++) cluster.Cloud.AddEntry("vtb-1", $"172.16.{i}.0/24", "i-vpn");
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2", "vsw-2");
        cluster.Start();
        await cluster.UntilState("10.24.1.0/24", RouteState.QuotaExceeded);
        await cluster.Time.Until(() => cluster.Cloud.Routes("vtb-2").Count() == 2);
        Assert.Contains("vtb-1 is full", cluster.Status("10.24.1.0/24")!.Message, StringComparison.Ordinal);
        await cluster.Time.Pass(TimeSpan.FromSeconds(2));
        // The other table has room for two more and is not reported as full.
        cluster.Join("10.24.3.0/24", "i-3", "vsw-2");
        await cluster.Time.Until(() => cluster.Hop("10.24.3.0/24", "vtb-2") == "i-3");
        Assert.InRange(cluster.Time.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(8));
        await cluster.Time.Pass(TimeSpan.FromSeconds(2));
        Assert.Contains(new TableUsage("vtb-2", "vpc-1", 3, 4), cluster.Controller.Snapshot.Tables);
        Assert.DoesNotContain(cluster.Log.Lines, line => line.Id == 3503 && line.Text.Contains("vtb-2", StringComparison.Ordinal));
    });

    [Fact]
    public void A_destination_that_the_API_would_reject_is_rejected_without_a_write() => Cluster.Run(async cluster =>
    {
        cluster.Leases.Config = InMemoryLeases.ConfigFor("192.168.0.0/16");
        cluster.Join("192.168.1.0/24", "i-1");
        cluster.Join("192.168.7.0/24", "i-7");
        cluster.Start();
        await cluster.UntilState("192.168.1.0/24", RouteState.Rejected);
        await cluster.UntilAvailable("192.168.7.0/24");
        Assert.Contains("vsw-1", cluster.Status("192.168.1.0/24")!.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(cluster.Cloud.Calls, call =>
            call.IsWrite && call.Subjects.Any(s => s.Contains("192.168.1.0/24", StringComparison.Ordinal)));
        await cluster.Time.Pass(TimeSpan.FromHours(1));
        // The VPC's range and the vSwitch's, each once.
        Assert.Equal(2, cluster.Log.Count(3514));
    });

    [Fact]
    public void A_destination_that_contains_a_vSwitch_is_created_by_a_single_call() => Cluster.Run(async cluster =>
    {
        cluster.Leases.Config = InMemoryLeases.ConfigFor("192.168.0.0/16");
        cluster.Join("192.168.0.0/20", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("192.168.0.0/20");
        Assert.Equal((0, 1), (cluster.Cloud.Count("CreateRouteEntries"), cluster.Cloud.Count("CreateRouteEntry")));
    });

    [Fact]
    public void Routes_are_created_without_the_permission_to_read_the_ranges() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.DeniedActions.Add("vpc:DescribeVpcAttribute");
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        Assert.Equal(1, cluster.Log.Count(3515));
    });

    [Fact]
    public void A_lease_of_the_default_route_is_rejected_and_nothing_is_written() => Cluster.Run(async cluster =>
    {
        cluster.Join("0.0.0.0/0", "i-1");
        cluster.Start();
        await cluster.UntilState("0.0.0.0/0", RouteState.Rejected);
        await cluster.Time.Pass(TimeSpan.FromMinutes(5));
        Assert.Equal(0, cluster.Cloud.Writes);
    });

    [Fact]
    public void A_configured_table_of_another_VPC_is_not_changed_if_listing_is_not_permitted() => VirtualTime.Run(async time =>
    {
        using var cluster = TwoVpcs(time);
        cluster.Cloud.DeniedActions.Add("vpc:DescribeRouteTableList");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.2.0/24");
        await time.Pass(TimeSpan.FromDays(3));
        Assert.Equal(["10.24.1.0/24 i-1 Available"], cluster.Cloud.Routes("vtb-1"));
        Assert.Equal(["10.24.2.0/24 i-2 Available"], cluster.Cloud.Routes("vtb-2"));
        Assert.Contains("RouteTableID vtb-2 is not used", cluster.Status("10.24.1.0/24")!.Message, StringComparison.Ordinal);
        Assert.Equal(4, cluster.Log.Count(3516));
        await cluster.StopAsync();
    });

    [Fact]
    public void A_configured_table_that_can_be_verified_by_itself_is_used_in_its_own_VPC_only() => VirtualTime.Run(async time =>
    {
        using var cluster = TwoVpcs(time);
        cluster.Cloud.DeniedActions.Add("vpc:DescribeRouteTableList");
        cluster.Cloud.AddTable("vpc-1", "vtb-extra");
        cluster.Cloud.VerifiableTables.UnionWith(["vtb-1", "vtb-2", "vtb-extra"]);
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.2.0/24");
        await time.Pass(TimeSpan.FromHours(2));
        Assert.Equal(["10.24.1.0/24 i-1 Available"], cluster.Cloud.Routes("vtb-1"));
        Assert.Equal(["10.24.1.0/24 i-1 Available"], cluster.Cloud.Routes("vtb-extra"));
        Assert.Equal(["10.24.2.0/24 i-2 Available"], cluster.Cloud.Routes("vtb-2"));
        await cluster.StopAsync();
    });

    [Fact]
    public void A_lease_of_another_VPC_keeps_its_route_in_every_table() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.AddTable("vpc-2", "vtb-2");
        cluster.Cloud.AddVSwitch("vsw-2", "vpc-2", "vtb-2", "192.168.2.0/24");
        cluster.AddMarked("10.24.2.0/24", "i-2");
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2", "vsw-2", "vpc-2");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.2.0/24");
        await cluster.Time.Pass(TimeSpan.FromDays(3));
        Assert.Equal("i-2", cluster.Hop("10.24.2.0/24"));
    });

    [Fact]
    public void An_unreadable_table_makes_its_own_nodes_wait_and_is_noted_in_the_status_of_the_others() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.AddSecondTable();
        cluster.Cloud.Faults = call => call.Action == "DescribeRouteEntryList" && call.Subjects[0] == "vtb-2"
            ? new Fault(CloudErrorKind.Fatal, "OperationDenied.RouteTableTypeNotPermitted") : null;
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2", "vsw-2");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        await cluster.UntilState("10.24.2.0/24", RouteState.Rejected);
        Assert.DoesNotContain(cluster.Term.Statuses.Published, published =>
            published.Status is { Subnet: "10.24.2.0/24", State: RouteState.Available });
        Assert.Contains("vtb-2 cannot be read", cluster.Status("10.24.1.0/24")!.Message, StringComparison.Ordinal);
        await cluster.Time.Pass(TimeSpan.FromHours(1));
        Assert.Equal(RouteState.Rejected, cluster.State("10.24.2.0/24"));
        cluster.Cloud.Faults = _ => null;
        await cluster.UntilAvailable("10.24.2.0/24");
    });

    /// <summary>One node in each of two VPCs; the configuration names the table of both.</summary>
    private static Cluster TwoVpcs(VirtualTime time)
    {
        var cluster = new Cluster(time, new RouteControllerOptions(["vtb-1", "vtb-2", "vtb-extra"]));
        cluster.Cloud.AddTable("vpc-2", "vtb-2");
        cluster.Cloud.AddVSwitch("vsw-2", "vpc-2", "vtb-2", "192.168.2.0/24");
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2", "vsw-2", "vpc-2");
        return cluster;
    }

    [Fact]
    public void A_narrower_unmanaged_entry_is_noted_in_the_status_of_an_available_node() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.AddEntry("vtb-1", "10.24.1.128/25", "i-other");
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        Assert.Contains("10.24.1.128/25", cluster.Status("10.24.1.0/24")!.Message, StringComparison.Ordinal);
        Assert.Equal("i-other", cluster.Hop("10.24.1.128/25"));
    });
}
