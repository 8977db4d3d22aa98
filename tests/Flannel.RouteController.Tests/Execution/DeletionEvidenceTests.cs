using System.Text;
using Flannel.Core.Routes;
using Flannel.RouteController.Abstractions;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests.Execution;

/// <summary>Routes are deleted on evidence, never on absence alone, and never many at once.</summary>
public sealed class DeletionEvidenceTests
{
    private static readonly TimeSpan Day = TimeSpan.FromHours(24);

    [Fact]
    public void A_route_whose_lease_is_missing_is_kept_for_a_whole_lease_time() => Cluster.Run(async cluster =>
    {
        cluster.AddMarked("10.24.9.0/24", "i-gone");
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.Time.Pass(Day - TimeSpan.FromMinutes(1));
        Assert.Equal("i-gone", cluster.Hop("10.24.9.0/24"));
        await cluster.Time.Pass(TimeSpan.FromMinutes(3));
        Assert.Null(cluster.Hop("10.24.9.0/24"));
    });

    [Fact]
    public void Sixty_routes_are_kept_after_etcd_was_recreated_until_their_nodes_return() => Cluster.Run(async cluster =>
    {
        for (var i = 1; i <= 60; i++) cluster.AddMarked($"10.24.{i}.0/24", $"i-{i}");
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.Time.Pass(TimeSpan.FromHours(20));
        Assert.Equal(60, cluster.Cloud.Routes("vtb-1").Count());
        for (var i = 2; i <= 60; i++) cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        await cluster.Time.Pass(Day * 2);
        Assert.Equal(60, cluster.Cloud.Routes("vtb-1").Count());
        Assert.Equal(0, cluster.Cloud.Writes);
    });

    [Fact]
    public void A_lease_that_is_missing_after_a_new_listing_was_not_seen_to_end() => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.2.0/24");
        // etcd was restored from a backup that is older than the second lease.
        cluster.Leases.ListAgain("10.24.2.0/24");
        await cluster.Time.Pass(Day - TimeSpan.FromMinutes(2));
        Assert.Equal("i-2", cluster.Hop("10.24.2.0/24"));
        await cluster.Time.Pass(TimeSpan.FromMinutes(5));
        Assert.Null(cluster.Hop("10.24.2.0/24"));
    });

    [Fact]
    public void The_end_of_another_nodes_lease_is_no_evidence() => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.9.0/24", "i-other");
        cluster.Cloud.DeniedActions.Add("vpc:ModifyRouteEntry");
        cluster.AddMarked("10.24.9.0/24", "i-9");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        cluster.Leases.Remove("10.24.9.0/24");
        await cluster.Time.Pass(TimeSpan.FromHours(20));
        Assert.Equal("i-9", cluster.Hop("10.24.9.0/24"));
    });

    [Fact]
    public void The_time_of_absence_is_added_up_across_terms() => Cluster.Run(async cluster =>
    {
        cluster.AddMarked("10.24.9.0/24", "i-gone");
        cluster.Join("10.24.1.0/24", "i-1");
        for (var term = 0; term < 11; term++)
        {
            cluster.Start();
            await cluster.Time.Pass(TimeSpan.FromHours(2.2));
            Assert.Equal("i-gone", cluster.Hop("10.24.9.0/24"));
            await NextTermAsync(cluster);
        }

        cluster.Start();
        await cluster.Time.Pass(TimeSpan.FromHours(2.2));
        Assert.Null(cluster.Hop("10.24.9.0/24"));
    });

    [Fact]
    public void Absence_in_earlier_terms_alone_is_not_enough_evidence() => Cluster.Run(async cluster =>
    {
        cluster.AddMarked("10.24.9.0/24", "i-gone");
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.Time.Pass(Day - TimeSpan.FromMinutes(5));
        await NextTermAsync(cluster);
        cluster.Start();
        await cluster.Time.Pass(TimeSpan.FromMinutes(58));
        Assert.Equal("i-gone", cluster.Hop("10.24.9.0/24"));
        await cluster.Time.Pass(TimeSpan.FromMinutes(5));
        Assert.Null(cluster.Hop("10.24.9.0/24"));
    });

    [Fact]
    public void An_old_document_of_absences_is_ignored() => Cluster.Run(async cluster =>
    {
        cluster.AddMarked("10.24.9.0/24", "i-gone");
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.Time.Pass(Day - TimeSpan.FromMinutes(5));
        await NextTermAsync(cluster);
        // A backup of etcd that is hours old, or hours without a controller.
        await cluster.Time.Pass(TimeSpan.FromHours(2));
        cluster.Start();
        await cluster.Time.Pass(TimeSpan.FromHours(23));
        Assert.Equal("i-gone", cluster.Hop("10.24.9.0/24"));
    });

    [Fact]
    public void A_document_of_absences_with_an_invalid_time_does_not_end_the_term() => Cluster.Run(async cluster =>
    {
        var written = $"{cluster.Time.GetUtcNow():O}";
        var document =
            $$"""{"Cluster":"{{InMemoryTerm.OurCluster}}","WrittenAt":"{{written}}","Routes":{"rte-1 i-1":9223372036854775807} }""";
        cluster.Leases.AbsentLeases = Encoding.UTF8.GetBytes(document);
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
    });

    [Fact]
    public void A_route_whose_next_hop_changed_is_not_deleted_for_its_former_node() => Cluster.Run(async cluster =>
    {
        var entry = cluster.AddMarked("10.24.9.0/24", "i-gone");
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.Time.Pass(Day - TimeSpan.FromMinutes(5));
        entry.Hop = entry.Hop with { Id = "i-running" };
        await cluster.Time.Pass(TimeSpan.FromHours(20));
        Assert.Equal("i-running", cluster.Hop("10.24.9.0/24"));
    });

    [Fact]
    public void Few_routes_that_become_stale_together_are_deleted_after_the_grace_time() => Cluster.Run(async cluster =>
    {
        await StartAsync(cluster, 20);
        for (var i = 1; i <= 3; i++) cluster.Leases.Remove($"10.24.{i}.0/24");
        await cluster.Time.Pass(TimeSpan.FromMinutes(2));
        Assert.Equal(17, cluster.Cloud.Routes("vtb-1").Count());
        Assert.Equal(0, cluster.Log.Count(3527));
    });

    [Fact]
    public void Many_routes_that_become_stale_together_are_held_and_then_deleted_in_parts() => Cluster.Run(async cluster =>
    {
        await StartAsync(cluster, 60);
        for (var i = 1; i <= 59; i++) cluster.Leases.Remove($"10.24.{i}.0/24");
        await cluster.Time.Pass(TimeSpan.FromMinutes(29));
        Assert.Equal(60, cluster.Cloud.Routes("vtb-1").Count());
        Assert.Equal(59, cluster.Controller.Snapshot.HeldDeletions);
        Assert.Contains("59 stale routes", Assert.Single(cluster.Log.Lines, line => line.Id == 3527).Text, StringComparison.Ordinal);
        await cluster.Time.Pass(TimeSpan.FromMinutes(4));
        Assert.Equal(54, cluster.Cloud.Routes("vtb-1").Count());
        await cluster.Time.Pass(TimeSpan.FromMinutes(5));
        Assert.InRange(cluster.Cloud.Routes("vtb-1").Count(), 48, 49);
        await cluster.Time.Pass(TimeSpan.FromHours(3));
        Assert.Equal(["10.24.60.0/24 i-60 Available"], cluster.Cloud.Routes("vtb-1"));
        Assert.Equal((0, 1), (cluster.Controller.Snapshot.HeldDeletions, cluster.Log.Count(3527)));
    });

    [Theory]
    [InlineData(30_000)]
    [InlineData(5)] // most exist again before the next pass
    public void Leases_that_were_deleted_in_bulk_and_return_keep_their_routes(int absentMilliseconds) => Cluster.Run(async cluster =>
    {
        await StartAsync(cluster, 20);
        for (var i = 1; i <= 20; i++) cluster.Leases.Remove($"10.24.{i}.0/24");
        await cluster.Time.Pass(TimeSpan.FromMilliseconds(absentMilliseconds));
        for (var i = 1; i <= 18; i++) cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        // The last two are slow.
        await cluster.Time.Pass(TimeSpan.FromMinutes(20));
        for (var i = 19; i <= 20; i++) cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        await cluster.Time.Pass(TimeSpan.FromHours(2));
        Assert.Equal(0, cluster.Cloud.Count("DeleteRouteEntries"));
    });

    [Fact]
    public void Routes_that_their_nodes_released_are_not_held() => Cluster.Run(async cluster =>
    {
        await StartAsync(cluster, 20);
        for (var i = 1; i <= 20; i++) cluster.Leases.Release($"10.24.{i}.0/24");
        await cluster.Time.Until(() => !cluster.Cloud.Routes("vtb-1").Any(), TimeSpan.FromMinutes(1));
    });

    [Fact]
    public void A_lease_in_etcd_that_the_watch_has_not_reported_keeps_its_route() => Cluster.Run(async cluster =>
    {
        await StartAsync(cluster, 2);
        cluster.Leases.InEtcd = cluster.Leases.Snapshot.Leases;
        cluster.Leases.Remove("10.24.2.0/24");
        await cluster.Time.Pass(TimeSpan.FromMinutes(10));
        Assert.Equal("i-2", cluster.Hop("10.24.2.0/24"));
        Assert.InRange(cluster.Log.Count(3544), 1, 200);
        cluster.Leases.InEtcd = null;
        await cluster.Time.Until(() => cluster.Hop("10.24.2.0/24") is null);
    });

    [Fact]
    public void A_release_that_the_node_has_revoked_keeps_its_route() => Cluster.Run(async cluster =>
    {
        await StartAsync(cluster, 2);
        var before = cluster.Leases.Snapshot.Leases;
        cluster.Leases.Release("10.24.2.0/24");
        cluster.Leases.InEtcd = [.. before.Select(lease => lease with { Version = lease.Version + 100 })];
        await cluster.Time.Pass(TimeSpan.FromMinutes(2));
        Assert.Equal("i-2", cluster.Hop("10.24.2.0/24"));
        Assert.Equal(0, cluster.Cloud.Count("DeleteRouteEntries"));
    });

    [Fact]
    public void A_marked_route_that_this_controller_did_not_create_stops_deletions() => Cluster.Run(async cluster =>
    {
        await StartAsync(cluster, 2);
        cluster.Leases.Remove("10.24.2.0/24");
        await cluster.Time.Until(() => cluster.Hop("10.24.2.0/24") is null);
        // The cluster whose etcd data was copied repairs its route.
        await cluster.Time.Pass(TimeSpan.FromMinutes(2));
        cluster.AddMarked("10.24.2.0/24", "i-2");
        await cluster.Time.Pass(TimeSpan.FromDays(3));
        Assert.Equal("i-2", cluster.Hop("10.24.2.0/24"));
        Assert.Equal((1, 1), (cluster.Log.Count(3528), cluster.Cloud.Count("DeleteRouteEntries")));
        await cluster.JoinAndEndAsync("10.24.3.0/24", "i-3");
        await cluster.Time.Pass(TimeSpan.FromMinutes(10));
        Assert.Equal("i-3", cluster.Hop("10.24.3.0/24"));
    });

    private static async Task StartAsync(Cluster cluster, int nodes)
    {
        for (var i = 1; i <= nodes; i++) cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        cluster.Start();
        await cluster.Time.Until(() => cluster.Term.Statuses.ByKey.Values.Count(status => status.State == RouteState.Available) == nodes);
    }

    private static async Task NextTermAsync(Cluster cluster)
    {
        var before = cluster.Term;
        before.Lose();
        Assert.IsType<TermResult.Lost>(await cluster.Running);
        cluster.Term = new InMemoryTerm(cluster.Time, cluster.Leases, before.Statuses.ByKey);
        before.Dispose();
    }
}
