using Flannel.AliCloud.Tests.Support;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Routes;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests;

/// <summary>Which entries belong to this cluster, and which it takes over.</summary>
public sealed class RouteOwnershipTests
{
    [Fact]
    public void Name_and_description_carry_the_mark_in_single_and_in_batch_creation() => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        cluster.Cloud.DeniedActions.Add("vpc:CreateRouteEntries");
        cluster.Join("10.24.2.0/24", "i-2");
        await cluster.UntilAvailable("10.24.2.0/24");
        Assert.Equal((1, 1), (cluster.Cloud.Count("CreateRouteEntries") - 1, cluster.Cloud.Count("CreateRouteEntry")));
        Assert.All(cluster.Cloud.Tables["vtb-1"].Entries, entry =>
            Assert.Equal((Cluster.Mark.Token, Cluster.Mark.Description), (entry.Name, entry.Description)));
    });

    [Theory]
    [InlineData("renamed", "flannel-0123456789abcdef: flannel route")]
    [InlineData("flannel-0123456789abcdef", "another description")]
    public void A_renamed_route_is_marked_again_and_deleted_when_stale(string name, string text) => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        var entry = cluster.Cloud.Tables["vtb-1"].At("10.24.1.0/24")!;
        (entry.Name, entry.Description) = (name, text);
        await cluster.Time.Until(() => entry.Name == Cluster.Mark.Token && entry.Description == Cluster.Mark.Description,
            TimeSpan.FromMinutes(3));
        await cluster.Time.Pass(TimeSpan.FromMinutes(10));
        // Once, without the next hop, which the API would reject; and the status of no node changes.
        Assert.Equal("vtb-1 10.24.1.0/24 -",
            Assert.Single(Assert.Single(cluster.Cloud.Calls, call => call.Action == "ModifyRouteEntry").Subjects));
        Assert.DoesNotContain(cluster.Term.Statuses.Published.SkipWhile(published => published.Status.State != RouteState.Available),
            published => published.Status.State != RouteState.Available);
        cluster.Leases.Remove("10.24.1.0/24");
        await cluster.Time.Until(() => cluster.Hop("10.24.1.0/24") is null);
    });

    [Fact]
    public void A_mark_that_another_client_removes_is_written_once_an_hour() => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        var entry = cluster.Cloud.Tables["vtb-1"].At("10.24.1.0/24")!;
        cluster.Cloud.Faults = _ =>
        {
            entry.Description = "";
            return null;
        };
        await cluster.Time.Pass(TimeSpan.FromHours(10));
        Assert.InRange(cluster.Cloud.Count("ModifyRouteEntry"), 1, 11);
        Assert.Equal(RouteState.Available, cluster.State("10.24.1.0/24"));
    });

    [Fact]
    public void A_mark_that_cannot_be_written_does_not_change_the_status_of_the_node() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.DeniedActions.Add("vpc:ModifyRouteEntry");
        cluster.Cloud.AddEntry("vtb-1", "10.24.1.0/24", "i-1", Plans.Theirs.Token, Plans.Theirs.Description);
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        await cluster.Time.Pass(TimeSpan.FromHours(1));
        Assert.Equal(RouteState.Available, cluster.State("10.24.1.0/24"));
        Assert.False(cluster.Running.IsCompleted);
        cluster.Join("10.24.2.0/24", "i-2");
        await cluster.UntilAvailable("10.24.2.0/24");
    });

    [Fact]
    public void Entries_of_the_old_daemon_are_marked_in_place_and_a_few_at_a_time() => Cluster.Run(async cluster =>
    {
        var subnets = Enumerable.Range(1, 12).Select(i => $"10.24.{i}.0/24").ToList();
        for (var i = 1; i <= 12; i++)
        {
            cluster.Cloud.AddEntry("vtb-1", subnets[i - 1], $"i-{i}");
            cluster.Join(subnets[i - 1], $"i-{i}");
        }

        cluster.Start();
        await cluster.UntilAvailable([.. subnets]);
        await cluster.Time.Pass(TimeSpan.FromSeconds(30));
        Assert.Equal(5, cluster.Cloud.Writes);
        await cluster.Time.Until(() => cluster.Cloud.Tables["vtb-1"].Entries.All(entry => entry.Name == Cluster.Mark.Token));
        Assert.InRange(cluster.Time.Elapsed, TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(5));
        Assert.Equal(12, cluster.Cloud.Count("ModifyRouteEntry"));
        Assert.Equal(12, cluster.Cloud.Writes);
        Assert.All(subnets, subnet => Assert.Equal($"i-{subnet.Split('.')[2]}", cluster.Hop(subnet)));
        Assert.All(
            cluster.Term.Statuses.Published.GroupBy(published => published.Status.Subnet),
            statuses => Assert.DoesNotContain(
                statuses.SkipWhile(published => published.Status.State != RouteState.Available),
                published => published.Status.State != RouteState.Available));
    });

    [Fact]
    public void The_plan_says_that_further_first_marks_are_held_back() => Cluster.Run(async cluster =>
    {
        for (var i = 1; i <= 8; i++)
        {
            cluster.Cloud.AddEntry("vtb-1", $"10.24.{i}.0/24", $"i-{i}");
            cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        }

        var plans = new RecordingLogger();
        using var stop = new CancellationTokenSource();
        var context = new ControllerContext(cluster.Time, new Random(1), cluster.Log, cluster.Loops) { PlanLog = plans };
        var running = new ClusterReconciler(new RouteControllerOptions([]), cluster.Leases, cluster.Cloud, context)
            .RunAsync(cluster.Term, stop.Token);
        await cluster.Time.Until(() => cluster.Cloud.Writes == 8);
        stop.Cancel();
        await running;
        Assert.Contains(plans.Lines, line => line.Text.Contains(
            "; held back: mark 10.24.6.0/24 (limit of marks), mark 10.24.7.0/24 (limit of marks), mark 10.24.8.0/24 (limit of marks)",
            StringComparison.Ordinal));
    });

    [Fact]
    public void The_route_of_the_old_daemon_is_deleted_on_evidence_after_it_was_marked() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.AddEntry("vtb-1", "10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.JoinAndEndAsync("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2");
        await cluster.Time.Until(() => cluster.Hop("10.24.1.0/24") is null);
    });

    [Fact]
    public void An_unmarked_entry_with_a_name_is_not_renamed() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.AddEntry("vtb-1", "10.24.1.0/24", "i-1", "mine");
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        await cluster.Time.Pass(TimeSpan.FromHours(2));
        Assert.Equal(0, cluster.Cloud.Writes);
    });

    [Fact]
    public void Without_the_permission_to_mark_one_entry_is_tried_in_an_hour() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.DeniedActions.Add("vpc:ModifyRouteEntry");
        for (var i = 1; i <= 20; i++)
        {
            cluster.Cloud.AddEntry("vtb-1", $"10.24.{i}.0/24", $"i-{i}");
            cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        }

        cluster.Start();
        await cluster.Time.Pass(TimeSpan.FromMinutes(150));
        Assert.Equal(3, cluster.Cloud.Writes);
        Assert.Equal(RouteState.Available, cluster.State("10.24.20.0/24"));
    });

    [Fact]
    public void Routes_of_a_lost_cluster_are_taken_over_for_leases_of_the_same_instances_only() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.AddEntry("vtb-1", "10.24.1.0/24", "i-1", Plans.Theirs.Token, Plans.Theirs.Description);
        cluster.Cloud.AddEntry("vtb-1", "10.24.2.0/24", "i-former", Plans.Theirs.Token, Plans.Theirs.Description);
        cluster.Cloud.AddEntry("vtb-1", "10.24.3.0/24", "i-3", Plans.Theirs.Token, Plans.Theirs.Description);
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        await cluster.UntilState("10.24.2.0/24", RouteState.Conflict);
        await cluster.Time.Until(() => cluster.Cloud.Tables["vtb-1"].At("10.24.1.0/24")!.Name == Cluster.Mark.Token);
        await cluster.Time.Pass(TimeSpan.FromDays(3));
        Assert.Equal(("i-former", "i-3"), (cluster.Hop("10.24.2.0/24"), cluster.Hop("10.24.3.0/24")));
        Assert.Equal(1, cluster.Cloud.Writes);
        Assert.Equal(2, cluster.Controller.Snapshot.OtherClusters);
        Assert.Contains(Plans.Theirs.Token, Assert.Single(cluster.Log.Lines, line => line.Id == 3529).Text, StringComparison.Ordinal);
    });

    [Theory]
    [InlineData("VpnGateway", "vpn-1")]
    [InlineData("NatGateway", "ngw-1")]
    [InlineData("Attachment", "tr-attach-1")]
    [InlineData("VpcPeer", "pcc-1")]
    [InlineData("HaVip", "havip-1")]
    public void A_route_to_a_gateway_is_never_taken_over(string type, string hop) => Cluster.Run(async cluster =>
    {
        cluster.Cloud.AddEntry("vtb-1", "10.24.1.0/24", hop, type: type);
        cluster.Cloud.AddEntry("vtb-1", "10.24.2.0/24", hop, Cluster.Mark.Token, Cluster.Mark.Description, type: type);
        cluster.Cloud.AddEntry("vtb-1", "10.24.3.0/24", hop, Cluster.Mark.Token, Cluster.Mark.Description, type: type);
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2");
        cluster.Start();
        await cluster.UntilState("10.24.1.0/24", RouteState.Conflict);
        await cluster.UntilState("10.24.2.0/24", RouteState.Conflict);
        await cluster.Time.Pass(TimeSpan.FromDays(3));
        Assert.Equal(0, cluster.Cloud.Writes);
        Assert.All(cluster.Cloud.Tables["vtb-1"].Entries, entry => Assert.Equal(new NextHop(type, hop), entry.Hop));
    });

    [Fact]
    public void The_case_of_a_next_hop_type_is_ignored() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.AddEntry("vtb-1", "10.24.1.0/24", "i-1", Cluster.Mark.Token, Cluster.Mark.Description, type: "instance");
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        await cluster.Time.Pass(TimeSpan.FromMinutes(5));
        Assert.Equal(0, cluster.Cloud.Writes);
    });
}
