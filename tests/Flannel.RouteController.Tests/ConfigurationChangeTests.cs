using Flannel.Core.Routes;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests;

/// <summary>A change of the configuration harms no running node.</summary>
public sealed class ConfigurationChangeTests
{
    [Theory]
    [InlineData("10.24.0.0/14")]
    [InlineData("10.24.0.0/23")]
    [InlineData("10.42.0.0/16")]
    [InlineData("10.24.1.0/24")]
    public void A_changed_network_leaves_routes_and_statuses_of_running_nodes_unchanged(string network) => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.2.0/24");
        var writes = cluster.Cloud.Writes;
        cluster.Leases.SetConfig(InMemoryLeases.ConfigFor(network));
        await cluster.Time.Pass(TimeSpan.FromHours(1));
        Assert.Equal(writes, cluster.Cloud.Writes);
        Assert.DoesNotContain(
            cluster.Term.Statuses.Published.SkipWhile(published => published.Status.State != RouteState.Available),
            published => published.Status.State != RouteState.Available);
        // The routes are repaired, too.
        cluster.Cloud.Tables["vtb-1"].Entries.Clear();
        await cluster.Time.Until(() => cluster.Hop("10.24.1.0/24") == "i-1" && cluster.Hop("10.24.2.0/24") == "i-2");
    });

    [Fact]
    public void A_new_term_with_another_network_keeps_the_routes_of_existing_leases() => Cluster.Run(async cluster =>
    {
        cluster.Leases.Config = InMemoryLeases.ConfigFor("10.42.0.0/16");
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.AddMarked("10.24.1.0/24", "i-before");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        Assert.Equal("i-1", cluster.Hop("10.24.1.0/24"));
    });

    [Fact]
    public void The_route_of_a_lease_that_ends_after_a_change_of_the_network_is_deleted() => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2");
        cluster.Cloud.AddEntry("vtb-1", "10.24.3.0/24", "i-other");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.2.0/24");
        cluster.Leases.SetConfig(InMemoryLeases.ConfigFor("10.42.0.0/16"));
        await cluster.Time.Pass(TimeSpan.FromMinutes(5));
        cluster.Leases.Remove("10.24.1.0/24");
        await cluster.Time.Pass(TimeSpan.FromMinutes(3));
        Assert.Equal(["10.24.2.0/24 i-2 Available", "10.24.3.0/24 i-other Available"], cluster.Cloud.Routes("vtb-1").Order());
    });

    [Fact]
    public void While_the_configuration_is_invalid_leases_keep_their_routes_and_no_route_is_deleted() => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.2.0/24");
        cluster.Leases.SetConfig(null);
        cluster.Leases.Remove("10.24.2.0/24");
        cluster.Cloud.Tables["vtb-1"].Entries.RemoveAll(entry => entry.Destination == "10.24.1.0/24");
        await cluster.Time.Until(() => cluster.Hop("10.24.1.0/24") == "i-1");
        await cluster.Time.Pass(TimeSpan.FromMinutes(10));
        Assert.Equal("i-2", cluster.Hop("10.24.2.0/24"));
        cluster.Leases.SetConfig(InMemoryLeases.ConfigFor("10.24.0.0/16"));
        await cluster.Time.Until(() => cluster.Hop("10.24.2.0/24") is null);
    });
}
