using Flannel.Core.Routes;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests;

public sealed class RouteControllerTests
{
    [Fact]
    public void A_node_that_joins_gets_its_route_and_then_its_status() => Cluster.Run(async cluster =>
    {
        cluster.Start();
        cluster.Join("10.24.5.0/24", "i-1");
        await cluster.UntilAvailable("10.24.5.0/24");

        var entry = cluster.Cloud.Tables["vtb-1"].At("10.24.5.0/24")!;
        Assert.Equal(("i-1", "Instance"), (entry.Hop.Id, entry.Hop.Type));
        Assert.Equal(Cluster.Mark.Token, entry.Name);
        Assert.Equal(Cluster.Mark.Description, entry.Description);
        var status = cluster.Status("10.24.5.0/24")!;
        Assert.Equal(("10.24.5.0/24", "i-1", ""), (status.Subnet, status.InstanceId, status.Message));
        Assert.Equal(["vtb-1"], status.RouteTableIds);
        Assert.Equal(1, cluster.Cloud.Writes);
        Assert.False(cluster.Cloud.SourceDestChecks["eni-i-1"]);
        Assert.Equal([RouteState.Pending, RouteState.Available], cluster.Term.Statuses.Published.Select(p => p.Status.State));
    });

    [Fact]
    public void Two_leases_with_one_subnet_do_not_end_the_term_when_the_store_rejects_their_statuses() => Cluster.Run(async cluster =>
    {
        cluster.Term.Statuses.Rejects = _ => true;
        cluster.Start();
        cluster.Join("10.24.5.0/24", "i-1");
        cluster.Leases.AddSecond("10.24.5.0/24", "i-2");
        await cluster.Time.Pass(TimeSpan.FromMinutes(3));
        Assert.False(cluster.Running.IsCompleted);
        Assert.Equal("i-1", cluster.Hop("10.24.5.0/24"));
        cluster.Term.Statuses.Rejects = _ => false;
        await cluster.Time.Pass(TimeSpan.FromMinutes(3));
        Assert.Equal(
            ["i-1 Available", "i-2 Rejected"],
            cluster.Term.Statuses.Published.Select(p => $"{p.Status.InstanceId} {p.Status.State}").Distinct().Order());
    });

    /// <summary>In Kubernetes, the order of two Nodes that are created within one second is the same.</summary>
    [Fact]
    public void A_lease_that_is_acquired_again_with_the_same_order_is_a_new_one() => Cluster.Run(async cluster =>
    {
        cluster.Start();
        cluster.Join("10.24.5.0/24", "i-1");
        await cluster.UntilAvailable("10.24.5.0/24");
        cluster.Cloud.Tables["vtb-1"].Entries.Clear();
        cluster.Leases.Reattach("10.24.5.0/24", 999);
        await cluster.Time.Pass(TimeSpan.FromSeconds(5));
        Assert.Equal("i-1", cluster.Hop("10.24.5.0/24"));
    });

    [Fact]
    public void A_single_node_waits_little_longer_than_the_API_takes() => Cluster.Run(async cluster =>
    {
        cluster.Start();
        cluster.Join("10.24.5.0/24", "i-1");
        await cluster.UntilAvailable("10.24.5.0/24");
        var before = cluster.Time.Elapsed;
        cluster.Join("10.24.6.0/24", "i-2");
        var joined = cluster.Time.Elapsed;
        await cluster.Time.Until(() => cluster.Cloud.Count("CreateRouteEntries") == 2);
        // One read precedes the call.
        Assert.InRange(cluster.Time.Elapsed - joined, TimeSpan.Zero, TimeSpan.FromMilliseconds(7));
        await cluster.UntilAvailable("10.24.6.0/24");
        Assert.InRange(cluster.Time.Elapsed - joined, TimeSpan.Zero, TimeSpan.FromMilliseconds(900));
        Assert.True(before < joined + TimeSpan.FromMilliseconds(1));
    });

    [Fact]
    public void Twenty_nodes_that_boot_together_are_ready_within_3_s_after_at_most_6_writes() => Cluster.Run(async cluster =>
    {
        cluster.Start();
        var random = new Random(20);
        var began = cluster.Time.Elapsed;
        var boots = Enumerable.Range(1, 20).Select(async i =>
        {
            await cluster.Time.Pass(TimeSpan.FromMilliseconds(random.Next(400)));
            cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        });
        await Task.WhenAll(boots);
        await cluster.UntilAvailable([.. Enumerable.Range(1, 20).Select(i => $"10.24.{i}.0/24")]);
        Assert.InRange(cluster.Time.Elapsed - began, TimeSpan.Zero, TimeSpan.FromSeconds(3));
        Assert.InRange(cluster.Cloud.Writes, 1, 6);
        Assert.DoesNotContain(true, cluster.Cloud.SourceDestChecks.Values);
    });

    [Fact]
    public void Nodes_that_join_within_a_tenth_of_a_second_after_the_first_share_one_call() => Cluster.Run(async cluster =>
    {
        cluster.Start();
        await cluster.Time.Pass(TimeSpan.FromSeconds(5));
        for (var i = 1; i <= 10; i++)
        {
            cluster.Join($"10.24.{i}.0/24", $"i-{i}");
            await cluster.Time.Pass(TimeSpan.FromMilliseconds(10));
        }

        cluster.Join("10.24.11.0/24", "i-11");
        await cluster.UntilAvailable([.. Enumerable.Range(1, 11).Select(i => $"10.24.{i}.0/24")]);
        // The read of the table, before the first call, takes as long as the pause between two of them.
        Assert.Equal([2, 9], cluster.Cloud.Calls.Where(call => call.IsWrite).Select(call => call.Subjects.Count));
    });

    [Fact]
    public void A_route_that_was_deleted_while_its_lease_was_gone_is_not_reported_as_available() => Cluster.Run(async cluster =>
    {
        cluster.Start();
        await cluster.JoinAndEndAsync("10.24.5.0/24", "i-1");
        await cluster.Time.Pass(TimeSpan.FromSeconds(5));
        // By 'flanneld routes clean --stale' on another node.
        cluster.Cloud.Tables["vtb-1"].Entries.RemoveAll(entry => entry.Destination == "10.24.5.0/24");
        var published = cluster.Term.Statuses.Published.Count;
        var returned = cluster.Time.Elapsed;
        cluster.Join("10.24.5.0/24", "i-1");
        await cluster.Time.Until(() => cluster.Hop("10.24.5.0/24") == "i-1" && cluster.State("10.24.5.0/24") == RouteState.Available);

        Assert.InRange(cluster.Time.Elapsed - returned, TimeSpan.Zero, TimeSpan.FromSeconds(3));
        Assert.Equal(
            [RouteState.Pending, RouteState.Available],
            cluster.Term.Statuses.Published.Skip(published).Select(status => status.Status.State));
    });

    [Fact]
    public void Two_hundred_nodes_take_four_calls() => Cluster.Run(async cluster =>
    {
        for (var i = 0; i < 200; i++) cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        cluster.Start();
        await cluster.UntilAvailable([.. Enumerable.Range(0, 200).Select(i => $"10.24.{i}.0/24")]);
        Assert.Equal(4, cluster.Cloud.Count("CreateRouteEntries"));
        Assert.Equal(4, cluster.Cloud.Writes);
    });

    [Fact]
    public void A_restart_with_all_routes_in_place_writes_no_route_and_publishes_statuses() => Cluster.Run(async cluster =>
    {
        for (var i = 1; i <= 3; i++)
        {
            cluster.Join($"10.24.{i}.0/24", $"i-{i}");
            cluster.AddMarked($"10.24.{i}.0/24", $"i-{i}");
        }

        // One of them has its status already, from an earlier controller.
        var published = new RouteStatus("10.24.1.0/24", "i-1", ["vtb-1"], RouteState.Available, "", "R", default);
        cluster.Term.Statuses.ByKey["10.24.1.0-24"] = published;
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.2.0/24", "10.24.3.0/24");
        await cluster.Time.Pass(TimeSpan.FromSeconds(30));
        Assert.Equal(0, cluster.Cloud.Writes);
        Assert.Same(published, cluster.Status("10.24.1.0/24"));
        Assert.DoesNotContain(cluster.Term.Statuses.Published, p => p.Status.Subnet == "10.24.1.0/24");
        // Each is read once.
        Assert.Equal(1, cluster.Cloud.Count("DescribeRouteEntryList"));
        Assert.Equal(1, cluster.Cloud.Count("DescribeRouteTableList"));
    });

    [Fact]
    public void Leases_that_are_created_during_a_call_are_in_the_next_batch() => Cluster.Run(async cluster =>
    {
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.Time.Until(() => cluster.Cloud.Writes == 1);
        for (var i = 2; i <= 9; i++)
        {
            cluster.Join($"10.24.{i}.0/24", $"i-{i}");
            await cluster.Time.Pass(TimeSpan.FromMilliseconds(40));
        }

        await cluster.UntilAvailable([.. Enumerable.Range(1, 9).Select(i => $"10.24.{i}.0/24")]);
        Assert.Equal(2, cluster.Cloud.Writes);
    });

    [Fact]
    public void A_route_that_another_client_deletes_or_changes_is_repaired_by_the_resync() => Cluster.Run(async cluster =>
    {
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2");
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.2.0/24");
        var publications = cluster.Term.Statuses.Published.Count;
        cluster.Cloud.Tables["vtb-1"].Entries.RemoveAll(entry => entry.Destination == "10.24.1.0/24");
        cluster.Cloud.Tables["vtb-1"].At("10.24.2.0/24")!.Hop = new("Instance", "i-other");
        await cluster.Time.Until(() => cluster.Hop("10.24.1.0/24") == "i-1" && cluster.Hop("10.24.2.0/24") == "i-2");
        Assert.InRange(cluster.Time.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(65));
        await cluster.Time.Pass(TimeSpan.FromSeconds(5));
        Assert.Equal(1, cluster.Cloud.Count("ModifyRouteEntry"));
        Assert.Equal(0, cluster.Cloud.Count("DeleteRouteEntries"));
        // The statuses do not change during a repair that takes a second.
        Assert.Equal(publications, cluster.Term.Statuses.Published.Count);
        Assert.Equal(1, cluster.Log.Count(3501));
    });

    [Fact]
    public void An_idle_controller_reads_two_pages_a_minute_and_writes_nothing() => Cluster.Run(async cluster =>
    {
        cluster.Start();
        for (var i = 1; i <= 40; i++) cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        await cluster.Time.Pass(TimeSpan.FromMinutes(2));
        var (calls, publications) = (cluster.Cloud.Calls.Count, cluster.Term.Statuses.Publications);
        await cluster.Time.Pass(TimeSpan.FromHours(1));
        // One listing of tables and one of entries each resync, and one read of the interfaces every tenth resync.
        Assert.InRange(cluster.Cloud.Calls.Count - calls, 118, 145);
        Assert.Equal(publications, cluster.Term.Statuses.Publications);
    });

    [Fact]
    public void A_secondary_interface_is_the_next_hop_itself() => Cluster.Run(async cluster =>
    {
        cluster.Leases.Add("10.24.1.0/24", "i-1", primary: false);
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        Assert.Equal(new("NetworkInterface", "eni-i-1"), cluster.Cloud.Tables["vtb-1"].At("10.24.1.0/24")!.Hop);
    });

    [Fact]
    public void The_route_of_a_subnet_that_another_node_leases_is_updated_in_place() => Cluster.Run(async cluster =>
    {
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.UntilAvailable("10.24.1.0/24");
        cluster.Leases.Remove("10.24.1.0/24");
        cluster.Term.Statuses.ByKey.Clear();
        cluster.Join("10.24.1.0/24", "i-2");
        await cluster.UntilAvailable("10.24.1.0/24");
        Assert.Equal("i-2", cluster.Status("10.24.1.0/24")!.InstanceId);
        Assert.Equal("i-2", cluster.Hop("10.24.1.0/24"));
        Assert.Equal((1, 0), (cluster.Cloud.Count("ModifyRouteEntry"), cluster.Cloud.Count("DeleteRouteEntries")));
    });

    [Fact]
    public void Passes_are_reported_with_their_writes_and_a_restored_route_is_a_repair() => Cluster.Run(async cluster =>
    {
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2");
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.2.0/24");
        await cluster.Time.Pass(TimeSpan.FromSeconds(5));
        Assert.Equal((2, 0, 1), (cluster.Passes.Writes.Created, cluster.Passes.Writes.Repaired, cluster.Passes.Writes.Calls));

        var table = cluster.Cloud.Tables["vtb-1"];
        table.Entries.Remove(table.At("10.24.1.0/24")!);
        await cluster.Time.Until(() => table.At("10.24.1.0/24") is not null);
        await cluster.Time.Pass(TimeSpan.FromMinutes(2));
        Assert.Equal((3, 1, 2), (cluster.Passes.Writes.Created, cluster.Passes.Writes.Repaired, cluster.Passes.Writes.Calls));

        // The lease of another node for the same subnet is a change, not a repair.
        cluster.Leases.Remove("10.24.2.0/24");
        cluster.Join("10.24.2.0/24", "i-3");
        await cluster.Time.Until(() => cluster.Hop("10.24.2.0/24") == "i-3");
        await cluster.Time.Pass(TimeSpan.FromSeconds(5));
        Assert.Equal((1, 1), (cluster.Passes.Writes.Updated, cluster.Passes.Writes.Repaired));
        Assert.Equal(0, cluster.Passes.Failed);
        Assert.InRange(cluster.Passes.Successful, 5, 1000);

        cluster.Cloud.Faults = call => call.Action.StartsWith("Describe", StringComparison.Ordinal) ? InMemoryCloudApi.Fault.Busy : null;
        await cluster.Time.Until(() => cluster.Passes.Failed > 0);
    });

    [Fact]
    public void A_change_by_another_client_is_read_before_writing() => Cluster.Run(async cluster =>
    {
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.Time.Pass(TimeSpan.FromSeconds(20));
        cluster.Cloud.AddEntry("vtb-1", "10.24.2.0/24", "i-2");
        cluster.Join("10.24.2.0/24", "i-2");
        await cluster.UntilAvailable("10.24.2.0/24");
        Assert.Equal(1, cluster.Cloud.Count("CreateRouteEntries") + cluster.Cloud.Count("CreateRouteEntry"));
    });

    [Fact]
    public void The_snapshot_has_states_tables_and_the_time_of_the_last_reconcile() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.AddEntry("vtb-1", "10.24.77.0/24", "i-other", "mine");
        cluster.Cloud.UnknownHops.Add("i-2");
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2");
        await cluster.UntilAvailable("10.24.1.0/24");
        await cluster.UntilState("10.24.2.0/24", RouteState.Rejected);
        await cluster.Time.Pass(TimeSpan.FromSeconds(2));
        var snapshot = cluster.Controller.Snapshot;
        Assert.Equal(1, snapshot.CountByState[RouteState.Available]);
        Assert.Equal(1, snapshot.CountByState[RouteState.Rejected]);
        var conflict = Assert.Single(snapshot.Conflicts);
        Assert.Equal(("10.24.77.0/24", ConflictKind.Unmanaged, "mine"), (conflict.Destination, conflict.Kind, conflict.Name));
        Assert.Equal(new TableUsage("vtb-1", "vpc-1", 2, 200), Assert.Single(snapshot.Tables));
        Assert.NotNull(snapshot.LastReconcile);
        Assert.Equal(1, snapshot.Writes.Created);
        Assert.Equal(2, snapshot.Subnets!.Leased);
    });
}
