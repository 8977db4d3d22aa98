using Flannel.AliVpc.Control;
using Flannel.AliVpc.Tests.Control.Support;
using Flannel.AliVpc.Tests.Support;

namespace Flannel.AliVpc.Tests.Control;

public sealed class RouteDryRunTests
{
    [Fact]
    public void Every_step_is_a_line_and_nothing_is_written() => VirtualTime.Run(async time =>
    {
        var (cloud, leases) = Make(time);
        leases.Add("10.24.1.0/24", "i-1");
        leases.Add("10.24.2.0/24", "i-2");
        leases.Add("10.24.3.0/24", "i-3");
        cloud.AddEntry("vtb-1", "10.24.2.0/24", "i-2", Cluster.Mark.Token, Cluster.Mark.Description);
        cloud.AddEntry("vtb-1", "10.24.3.0/24", "i-before", Cluster.Mark.Token, Cluster.Mark.Description);
        cloud.AddEntry("vtb-1", "10.24.9.0/24", "i-gone", Cluster.Mark.Token, Cluster.Mark.Description);
        cloud.AddEntry("vtb-1", "10.24.10.0/24", "i-somebody", "mine");
        var run = await Run(cloud, leases);
        Assert.Equal("""
            cn-hangzhou/vpc-1: 3 nodes in 10.24.0.0/16
              STEP      TABLE DESTINATION        NEXT HOP
              create    vtb-1 10.24.1.0/24       Instance i-1
              keep      vtb-1 10.24.2.0/24       Instance i-2
              re-point  vtb-1 10.24.3.0/24       Instance i-before => Instance i-3
              delete    vtb-1 10.24.9.0/24       Instance i-gone
              conflict  vtb-1 10.24.10.0/24      Instance i-somebody Foreign rte-4 mine
              the API would carry out CreateRouteEntries for 10.24.1.0/24 in vtb-1
              the API would carry out ModifyRouteEntry for 10.24.3.0/24 in vtb-1
              the API would carry out DeleteRouteEntries for 10.24.9.0/24 in vtb-1

            """, run.Text);
        Assert.Equal((3, true), (run.Changes, run.Complete));
        Assert.Equal(0, cloud.Writes);
    });

    [Fact]
    public void What_cannot_be_read_is_said() => VirtualTime.Run(async time =>
    {
        var (cloud, leases) = Make(time);
        leases.Add("10.24.1.0/24", "i-1");
        cloud.DeniedActions.Add("vpc:DescribeRouteEntryList");
        var run = await Run(cloud, leases);
        Assert.False(run.Complete);
        Assert.Contains("not read: vpc:DescribeRouteEntryList", run.Text, StringComparison.Ordinal);
    });


    private static (FakeCloud, FakeLeases) Make(VirtualTime time)
    {
        var cloud = new FakeCloud(time);
        cloud.AddTable("vpc-1", "vtb-1");
        cloud.AddVSwitch("vsw-1", "vpc-1", "vtb-1");
        return (cloud, new FakeLeases());
    }

    private static Task<RouteDryRun> Run(FakeCloud cloud, FakeLeases leases) => RouteDryRun.RunAsync(
        leases.Snapshot, FakeTerm.OurCluster, new RouteControllerOptions([]), cloud, new RecordingLogger(), CancellationToken.None);
}
