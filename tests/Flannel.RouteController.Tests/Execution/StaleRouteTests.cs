using Flannel.AliCloud.Vpc;
using Flannel.Core.Routes;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests.Execution;

/// <summary>When stale routes are deleted.</summary>
public sealed class StaleRouteTests
{
    [Fact]
    public void A_route_whose_lease_was_seen_to_end_is_deleted_after_the_grace_time() => Cluster.Run(async cluster =>
    {
        await StartWithEndedLeaseAsync(cluster);
        await cluster.Time.Pass(TimeSpan.FromSeconds(59));
        Assert.Equal("i-gone", cluster.Hop("10.24.9.0/24"));
        await cluster.Time.Pass(TimeSpan.FromSeconds(5));
        Assert.Null(cluster.Hop("10.24.9.0/24"));
        Assert.Equal((1, 1), (cluster.Term.Proofs, cluster.Cloud.Count("DeleteRouteEntries")));
        Assert.Equal(1, cluster.Log.Count(3502));
    });

    /// <summary>As after the end of a node that was the route controller.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_lease_that_ended_shortly_before_the_term_is_one_that_was_seen_to_end(bool exists) => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        var ended = cluster.Leases.Add("10.24.9.0/24", "i-gone");
        if (!exists) cluster.Leases.Remove("10.24.9.0/24");
        cluster.AddMarked("10.24.9.0/24", "i-gone");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        // The history is read after the first pass.
        cluster.Leases.EndedBefore = [ended];
        cluster.Leases.Touch();
        await cluster.Time.Pass(TimeSpan.FromSeconds(55));
        Assert.Equal("i-gone", cluster.Hop("10.24.9.0/24"));
        await cluster.Time.Pass(TimeSpan.FromSeconds(10));
        Assert.Equal(exists ? "i-gone" : null, cluster.Hop("10.24.9.0/24"));
        Assert.Equal(exists ? 0 : 1, cluster.Term.Proofs);
    });

    [Fact]
    public void The_grace_time_begins_when_the_lease_is_seen_to_end() => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2");
        cluster.Start();
        await cluster.Time.Pass(TimeSpan.FromMinutes(5));
        cluster.Leases.Remove("10.24.2.0/24");
        await cluster.Time.Pass(TimeSpan.FromSeconds(59));
        Assert.Equal("i-2", cluster.Hop("10.24.2.0/24"));
        await cluster.Time.Pass(TimeSpan.FromSeconds(5));
        Assert.Null(cluster.Hop("10.24.2.0/24"));
        Assert.Equal("i-1", cluster.Hop("10.24.1.0/24"));
    });

    [Fact]
    public void A_lease_that_is_created_again_within_the_grace_time_keeps_its_route() => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        cluster.Leases.Remove("10.24.1.0/24");
        await cluster.Time.Pass(TimeSpan.FromSeconds(50));
        cluster.Term.Statuses.ByKey.Clear();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.UntilAvailable("10.24.1.0/24");
        await cluster.Time.Pass(TimeSpan.FromMinutes(10));
        Assert.Equal((1, 0), (cluster.Cloud.Writes, cluster.Cloud.Count("DeleteRouteEntries")));
    });

    [Fact]
    public void No_route_is_deleted_while_a_lease_cannot_be_read() => Cluster.Run(async cluster =>
    {
        await StartWithEndedLeaseAsync(cluster);
        await cluster.Time.Pass(TimeSpan.FromSeconds(1));
        cluster.Leases.SetComplete(false);
        await cluster.Time.Pass(TimeSpan.FromHours(1));
        Assert.Equal("i-gone", cluster.Hop("10.24.9.0/24"));
        cluster.Leases.SetComplete(true);
        await AssertGraceTimeBeginsAsync(cluster);
    });

    [Fact]
    public void The_time_in_which_a_lease_could_not_be_read_does_not_count_as_absence() => Cluster.Run(async cluster =>
    {
        await StartWithEndedLeaseAsync(cluster);
        await cluster.Time.Pass(TimeSpan.FromSeconds(30));
        cluster.Leases.SetComplete(false);
        await cluster.Time.Pass(TimeSpan.FromMinutes(10));
        cluster.Leases.SetComplete(true);
        await AssertGraceTimeBeginsAsync(cluster);
    });

    [Fact]
    public void No_route_is_deleted_without_a_configuration() => Cluster.Run(async cluster =>
    {
        cluster.AddMarked("10.24.9.0/24", "i-gone");
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Leases.Config = null;
        cluster.Start();
        await cluster.Time.Pass(TimeSpan.FromHours(1));
        Assert.Equal("i-gone", cluster.Hop("10.24.9.0/24"));
        Assert.Equal(0, cluster.Cloud.Count("DeleteRouteEntries"));
        Assert.Equal(RouteState.Available, cluster.State("10.24.1.0/24"));
        cluster.Leases.SetConfig(InMemoryLeases.ConfigFor("10.24.0.0/16"));
        await cluster.UntilAvailable("10.24.1.0/24");
    });

    [Fact]
    public void No_route_is_deleted_while_the_election_is_not_proven_and_others_are_created() => Cluster.Run(async cluster =>
    {
        await StartWithEndedLeaseAsync(cluster);
        cluster.Term.IsHeld = false;
        await cluster.Time.Pass(TimeSpan.FromMinutes(2));
        Assert.Equal("i-gone", cluster.Hop("10.24.9.0/24"));
        Assert.InRange(cluster.Term.Proofs, 5, 20);
        cluster.Term.IsHeld = true;
        cluster.Join("10.24.2.0/24", "i-2");
        await cluster.UntilAvailable("10.24.2.0/24");
        await cluster.Time.Until(() => cluster.Hop("10.24.9.0/24") is null);
    });

    [Fact]
    public void A_lease_that_is_created_during_the_proof_of_the_election_keeps_its_route() => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Term.OnProof = () => cluster.Join("10.24.9.0/24", "i-9");
        cluster.Start();
        await cluster.JoinAndEndAsync("10.24.9.0/24", "i-9");
        cluster.Term.Statuses.ByKey.Clear();
        await cluster.UntilAvailable("10.24.9.0/24");
        await cluster.Time.Pass(TimeSpan.FromMinutes(5));
        Assert.Equal(1, cluster.Term.Proofs);
        Assert.Equal(0, cluster.Cloud.Count("DeleteRouteEntries"));
    });

    [Fact]
    public void Unmarked_entries_and_those_of_upstream_and_other_clusters_are_never_deleted() => Cluster.Run(async cluster =>
    {
        var other = OwnershipMark.Of(InMemoryTerm.OtherCluster);
        cluster.AddMarked("0.0.0.0/0", "ngw-1");
        cluster.AddMarked("10.25.1.0/24", "i-x");
        cluster.Cloud.AddEntry("vtb-1", "10.24.30.0/24", "i-unmarked");
        cluster.Cloud.AddEntry("vtb-1", "10.24.31.0/24", "i-theirs", other.Token, other.Description);
        cluster.AddMarked("10.24.32.0/24", "i-upstream");
        cluster.AddMarked("10.24.33.128/25", "i-part");
        cluster.Cloud.AddEntry("vtb-1", "10.24.34.0/24", "i-system", Cluster.Mark.Token, isCustom: false);
        cluster.Leases.Add("10.24.32.0/24", "ali-vpc", null);
        cluster.Leases.Add("10.24.33.0/24", "vxlan", """{"VtepMAC":"00:00"}""");
        var before = cluster.Cloud.Routes("vtb-1").ToList();
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.Time.Pass(TimeSpan.FromHours(1));
        Assert.Equal([.. before, "10.24.1.0/24 i-1 Available"], cluster.Cloud.Routes("vtb-1"));
        Assert.Equal(1, cluster.Cloud.Writes);
    });

    [Fact]
    public void Deletions_are_sent_in_batches_and_after_creations() => Cluster.Run(async cluster =>
    {
        for (var i = 100; i < 170; i++)
        {
            cluster.AddMarked($"10.24.{i}.0/24", $"i-{i}");
            cluster.Join($"10.24.{i}.0/24", $"i-{i}");
            cluster.Leases.Release($"10.24.{i}.0/24");
        }

        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.Time.Pass(TimeSpan.FromSeconds(70));
        Assert.Equal(["CreateRouteEntries", "DeleteRouteEntries", "DeleteRouteEntries"], cluster.Cloud.Calls.Where(c => c.IsWrite)
            .Select(c => c.Action));
        Assert.Equal(["10.24.1.0/24 i-1 Available"], cluster.Cloud.Routes("vtb-1"));
    });

    [Fact]
    public void In_a_table_that_serves_no_node_stale_routes_are_deleted_and_none_is_created() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.AddTable("vpc-1", "vtb-old");
        cluster.AddMarked("10.24.9.0/24", "i-gone", "vtb-old");
        cluster.AddMarked("10.24.1.0/24", "i-before", "vtb-old");
        cluster.Cloud.AddEntry("vtb-old", "10.24.2.0/24", "i-unmarked");
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2");
        cluster.Join("10.24.3.0/24", "i-3");
        cluster.Start();
        await cluster.JoinAndEndAsync("10.24.9.0/24", "i-gone");
        await cluster.Time.Pass(TimeSpan.FromMinutes(3));
        Assert.Equal(["10.24.1.0/24 i-1 Available", "10.24.2.0/24 i-unmarked Available"], cluster.Cloud.Routes("vtb-old"));
        Assert.Equal(["vtb-1"], cluster.Status("10.24.3.0/24")!.RouteTableIds);
        Assert.Equal(RouteState.Available, cluster.State("10.24.3.0/24"));
    });

    [Fact]
    public void The_route_of_the_last_node_of_a_VPC_is_deleted() => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        cluster.Leases.Remove("10.24.1.0/24");
        await cluster.Time.Pass(TimeSpan.FromMinutes(2));
        Assert.Empty(cluster.Cloud.Routes("vtb-1"));
    });

    [Fact]
    public void A_deletion_of_a_missing_entry_succeeds() => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Cloud.Faults = call =>
        {
            if (call.Action == "DeleteRouteEntries") cluster.Cloud.Tables["vtb-1"].Entries.RemoveAll(e => e.Destination == "10.24.9.0/24");
            return null;
        };
        cluster.Start();
        await cluster.JoinAndEndAsync("10.24.9.0/24", "i-gone");
        await cluster.Time.Pass(TimeSpan.FromMinutes(10));
        Assert.Equal(1, cluster.Cloud.Count("DeleteRouteEntries"));
        Assert.Equal(0, cluster.Log.Count(3503));
        Assert.Equal(RouteEntryStatus.Available, cluster.Cloud.Tables["vtb-1"].At("10.24.1.0/24")!.Status);
    });

    /// <summary>One node has a route, and the lease of 10.24.9.0/24 has ended.</summary>
    private static async Task StartWithEndedLeaseAsync(Cluster cluster)
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.JoinAndEndAsync("10.24.9.0/24", "i-gone");
    }

    /// <summary>The grace time of the ended lease begins now.</summary>
    private static async Task AssertGraceTimeBeginsAsync(Cluster cluster)
    {
        await cluster.Time.Pass(TimeSpan.FromSeconds(55));
        Assert.Equal("i-gone", cluster.Hop("10.24.9.0/24"));
        await cluster.Time.Pass(TimeSpan.FromSeconds(10));
        Assert.Null(cluster.Hop("10.24.9.0/24"));
    }
}
