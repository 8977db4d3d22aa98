using Flannel.AliCloud.Tests.Support;
using Flannel.RouteController.Inventory;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests.Inventory;

public sealed class RouteDryRunTests
{
    [Fact]
    public void Every_action_is_a_line_and_nothing_is_written() => VirtualTime.Run(async time =>
    {
        var (cloud, leases) = (InMemoryCloudApi.WithOneTable(time), new InMemoryLeases());
        leases.Add("10.24.1.0/24", "i-1");
        leases.Add("10.24.2.0/24", "i-2");
        leases.Add("10.24.3.0/24", "i-3");
        cloud.AddEntry("vtb-1", "10.24.2.0/24", "i-2", Cluster.Mark.Token, Cluster.Mark.Description);
        cloud.AddEntry("vtb-1", "10.24.3.0/24", "i-before", Cluster.Mark.Token, Cluster.Mark.Description);
        cloud.AddEntry("vtb-1", "10.24.9.0/24", "i-gone", Cluster.Mark.Token, Cluster.Mark.Description);
        cloud.AddEntry("vtb-1", "10.24.10.0/24", "i-other", "mine");
        var run = await Run(cloud, leases);
        Assert.Equal("""
            cn-hangzhou/vpc-1: 3 nodes in 10.24.0.0/16
              ACTION    TABLE DESTINATION        NEXT HOP
              create    vtb-1 10.24.1.0/24       Instance i-1
              keep      vtb-1 10.24.2.0/24       Instance i-2
              update    vtb-1 10.24.3.0/24       Instance i-before => Instance i-3
              delete    vtb-1 10.24.9.0/24       Instance i-gone
              conflict  vtb-1 10.24.10.0/24      Instance i-other Unmanaged rte-4 mine
              the API would carry out CreateRouteEntries for 10.24.1.0/24 in vtb-1
              the API would carry out ModifyRouteEntry for 10.24.3.0/24 in vtb-1
              the API would carry out DeleteRouteEntries for 10.24.9.0/24 in vtb-1

            """, run.Text);
        Assert.Equal((3, true), (run.Changes, run.Complete));
        Assert.Equal(0, cloud.Writes);
    });

    [Fact]
    public void Routes_of_other_clusters_are_conflicts_and_counted_for_each_cluster() => VirtualTime.Run(async time =>
    {
        const string one = "flannel-00000000000000aa";
        const string other = "flannel-00000000000000bb";
        var (cloud, leases) = (InMemoryCloudApi.WithOneTable(time), new InMemoryLeases());
        leases.Add("10.24.1.0/24", "i-1");
        cloud.AddEntry("vtb-1", "10.24.1.0/24", "i-1", Cluster.Mark.Token, Cluster.Mark.Description);
        cloud.AddEntry("vtb-1", "10.24.20.0/24", "i-of-b", other, $"{other}: flannel route");
        cloud.AddEntry("vtb-1", "10.24.21.0/24", "i-of-a", one, $"{one}: flannel route");
        cloud.AddEntry("vtb-1", "10.24.22.0/24", "i-of-b", other, $"{other}: flannel route");
        // The name was changed in the console: the description is enough.
        cloud.AddEntry("vtb-1", "10.24.23.0/24", "i-of-b", "renamed", $"{other}: flannel route");
        var run = await Run(cloud, leases);
        Assert.Contains(
            $"  1 route of another cluster ({one}): kept;"
            + $" if that cluster is gone, 'flanneld routes clean --of {one}' deletes them\n"
            + $"  3 routes of another cluster ({other}): kept;"
            + $" if that cluster is gone, 'flanneld routes clean --of {other}' deletes them\n",
            run.Text, StringComparison.Ordinal);
        Assert.Equal((0, true, 0), (run.Changes, run.Complete, cloud.Writes));
    });

    [Fact]
    public void A_table_that_cannot_be_read_is_reported() => VirtualTime.Run(async time =>
    {
        var (cloud, leases) = (InMemoryCloudApi.WithOneTable(time), new InMemoryLeases());
        leases.Add("10.24.1.0/24", "i-1");
        cloud.DeniedActions.Add("vpc:DescribeRouteEntryList");
        var run = await Run(cloud, leases);
        Assert.False(run.Complete);
        Assert.Contains("not read: vpc:DescribeRouteEntryList", run.Text, StringComparison.Ordinal);
    });


    private static Task<RouteDryRunResult> Run(InMemoryCloudApi cloud, InMemoryLeases leases) => RouteDryRun.RunAsync(
        leases.Snapshot, InMemoryTerm.OurCluster, [], cloud, new RecordingLogger(), CancellationToken.None);
}
