using Flannel.Core.Routes;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests;

/// <summary>Two clusters of this program in one VPC, each with its own etcd prefix and its own controller.</summary>
public class TwoClustersTests
{
    [Fact]
    public void Neither_changes_the_entries_of_the_other_and_both_get_their_routes() => Run("10.25.0.0/16", async (ours, theirs) =>
    {
        for (var i = 1; i <= 60; i++)
        {
            ours.Join($"10.24.{i}.0/24", $"i-a{i}");
            theirs.Join($"10.25.{i}.0/24", $"i-b{i}");
        }

        await ours.Time.Until(() => AllAvailable(ours) && AllAvailable(theirs));
        // One of them loses nodes: only its routes are deleted.
        for (var i = 1; i <= 30; i++) ours.Leases.Remove($"10.24.{i}.0/24");
        await ours.Time.Until(() => CountInRange(ours, "10.24.") == 30, TimeSpan.FromHours(3));
        await ours.Time.Pass(TimeSpan.FromMinutes(30));
        Assert.Equal((30, 60), (CountInRange(ours, "10.24."), CountInRange(ours, "10.25.")));
        Assert.Empty(ours.Controller.Snapshot.Conflicts);
        Assert.Empty(theirs.Controller.Snapshot.Conflicts);
    });

    [Fact]
    public void Two_clusters_do_not_overwrite_each_others_route_of_one_destination() => Run("10.24.0.0/16", async (ours, theirs) =>
    {
        theirs.Join("10.24.1.0/24", "i-theirs");
        await theirs.UntilAvailable("10.24.1.0/24");
        ours.Join("10.24.1.0/24", "i-ours");
        await ours.UntilState("10.24.1.0/24", RouteState.Conflict);
        var writes = ours.Cloud.Writes;
        await ours.Time.Pass(TimeSpan.FromHours(2));
        Assert.Equal("i-theirs", ours.Hop("10.24.1.0/24"));
        Assert.Equal(writes, ours.Cloud.Writes);
        Assert.Equal(RouteState.Available, theirs.State("10.24.1.0/24"));
    });

    [Fact]
    public void With_the_same_prefix_and_network_neither_deletes_the_others_routes() => Run("10.24.0.0/16", async (ours, theirs) =>
    {
        for (var i = 1; i <= 5; i++) theirs.Join($"10.24.{i}.0/24", $"i-b{i}");
        await theirs.Time.Until(() => theirs.Term.Statuses.ByKey.Values.Count(status => status.State == RouteState.Available) == 5);
        ours.Join("10.24.10.0/24", "i-a");
        await ours.UntilAvailable("10.24.10.0/24");
        await ours.Time.Pass(TimeSpan.FromDays(3));
        Assert.Equal(6, CountInRange(ours, "10.24."));
        Assert.Equal(0, ours.Cloud.Count("DeleteRouteEntries"));
        Assert.Equal((5, 1), (ours.Controller.Snapshot.OtherClusters, theirs.Controller.Snapshot.OtherClusters));
    });

    [Fact]
    public void The_route_of_a_node_that_moves_to_another_cluster_stays_with_that_cluster() => Run("10.24.0.0/16", async (ours, theirs) =>
    {
        ours.Join("10.24.1.0/24", "i-1");
        await ours.UntilAvailable("10.24.1.0/24");
        theirs.Join("10.24.1.0/24", "i-1");
        await theirs.UntilAvailable("10.24.1.0/24");
        await ours.Time.Pass(TimeSpan.FromHours(20));
        // The lease in the former cluster ends a day later.
        ours.Leases.Remove("10.24.1.0/24");
        await ours.Time.Pass(TimeSpan.FromDays(3));
        Assert.Equal("i-1", ours.Hop("10.24.1.0/24"));
        Assert.Equal((1, 0), (ours.Cloud.Count("ModifyRouteEntry"), ours.Cloud.Count("DeleteRouteEntries")));
    });

    private static bool AllAvailable(Cluster cluster) =>
        cluster.Term.Statuses.ByKey.Count == 60 && cluster.Term.Statuses.ByKey.Values.All(status => status.State == RouteState.Available);

    private static int CountInRange(Cluster cluster, string range) =>
        cluster.Cloud.Tables["vtb-1"].Entries.Count(entry => entry.Destination.StartsWith(range, StringComparison.Ordinal));

    private static void Run(string theirNetwork, Func<Cluster, Cluster, Task> test) => VirtualTime.Run(async time =>
    {
        using var ours = new Cluster(time);
        using var theirs = new Cluster(time, new RouteControllerOptions([]), seed: 2, ours.Cloud);
        theirs.Leases.Cluster = InMemoryTerm.OtherCluster;
        theirs.Leases.Config = InMemoryLeases.ConfigFor(theirNetwork);
        ours.Start();
        theirs.Start();
        await test(ours, theirs);
        await ours.StopAsync();
        await theirs.StopAsync();
    });
}
