using Flannel.Core;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Controller;
using Flannel.Kubernetes.Model;
using Flannel.Kubernetes.Tests.Fixtures;

namespace Flannel.Kubernetes.Tests.Election;

/// <summary>One node at a time is the route controller, whatever happens to clocks, requests and the API server.</summary>
public sealed class KubeElectionTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void The_first_candidate_creates_the_Lease_and_is_elected_at_once() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1).Start();
        Assert.Equal(TimeSpan.Zero, await cluster.UntilElectedAsync(first));
        var lease = cluster.Lease!;
        Assert.StartsWith("n1_", lease.HolderIdentity, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromSeconds(15), lease.Duration);
        Assert.Equal(first.Self, ControllerObjects.HolderOf(lease));
        Assert.Equal(
            ["get leases kube-flannel/flanneld-ali-vpc", "get leases kube-flannel/flanneld-ali-vpc",
             "create leases kube-flannel/flanneld-ali-vpc", "get leases kube-flannel/flanneld-ali-vpc-cluster"],
            first.Api.Requests.Select(request => request.ToString()));
    });

    [Fact]
    public void Of_many_candidates_that_start_together_one_is_elected_and_stays_elected() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var candidates = Enumerable.Range(1, 30).Select(node => cluster.Add(node).Start()).ToList();
        await cluster.AdvanceAsync(TimeSpan.FromSeconds(1));
        var elected = Assert.Single(cluster.Elected);
        await cluster.AdvanceAsync(5 * Minute);
        Assert.Same(elected, Assert.Single(cluster.Elected));
        Assert.Equal(0, cluster.Lease!.Transitions);
    });

    [Fact]
    public void Observers_send_two_requests_per_minute() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        await cluster.UntilElectedAsync(cluster.Add(1).Start());
        await cluster.UntilStandbyAsync(cluster.Add(2).StartObserving());
        var observer = cluster.Add(3).StartObserving();
        await cluster.AdvanceAsync(10 * Minute);
        Assert.InRange(observer.Api.Requests.Count, 20, 24);
        Assert.All(observer.Api.Requests, request => Assert.Equal("get", request.Access.Verb));
    });

    [Fact]
    public void The_standby_replaces_a_route_controller_that_stops_within_a_second() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1).Start();
        await cluster.UntilElectedAsync(first);
        var second = cluster.Add(2).Start();
        await cluster.UntilStandbyAsync(second);
        await first.StopAsync();
        Assert.Equal("", cluster.Lease!.HolderIdentity);
        Assert.InRange(await cluster.UntilElectedAsync(second), TimeSpan.Zero, TimeSpan.FromSeconds(1.2));
        Assert.Equal((true, 1), (second.WasStandby, cluster.Lease!.Transitions));
        Assert.Equal(1, first.Logger.Count(6205));
    });

    /// <summary>The holder of the deleted Lease may not have read it yet.</summary>
    [Fact]
    public void A_Lease_that_was_deleted_created_again_and_released_is_taken_when_its_former_holder_must_have_given_up() =>
        VirtualTime.Run(async virtualTime =>
        {
            var cluster = new ElectionFixture(virtualTime);
            var first = cluster.Add(1).Start();
            await cluster.UntilElectedAsync(first);
            var second = cluster.Add(2).Start();
            await cluster.UntilStandbyAsync(second);
            first.PowerOff();
            var name = cluster.Lease!.Name;
            cluster.Server.DeleteLease(name);
            cluster.Server.CreateLease(new KubeLease(name, ""));
            Assert.InRange(await cluster.UntilElectedAsync(second), TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(18));
        });

    /// <summary>The former holder reads the Lease every four seconds, and writes until then.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_node_that_starts_after_the_Lease_was_deleted_waits_until_its_former_holder_must_have_given_up(bool isCreatedAgain) =>
        VirtualTime.Run(async virtualTime =>
        {
            var cluster = new ElectionFixture(virtualTime);
            var first = cluster.Add(1).Start();
            await cluster.UntilElectedAsync(first);
            Assert.IsType<ClusterIdResult.Known>(await first.Term!.Cluster.EnsureAsync(Cancel));
            // As long as possible before the next renewal.
            await cluster.AdvanceAsync(TimeSpan.FromSeconds(4.2));
            var name = cluster.Lease!.Name;
            cluster.Server.DeleteLease(name);
            // By a node that publishes why it is not a candidate.
            if (isCreatedAgain) cluster.Server.CreateLease(new KubeLease(name, ""));
            var second = cluster.Add(2).Start();
            Assert.InRange(await cluster.UntilElectedAsync(second), TimeSpan.FromSeconds(13), TimeSpan.FromSeconds(16));
            Assert.Equal(1, second.Logger.Count(6210));
            await cluster.AdvanceAsync(Minute);
            Assert.True(second.IsElected);
        });

    [Fact]
    public void A_node_that_stops_while_it_waits_for_a_former_holder_leaves_none() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1).Start();
        await cluster.UntilElectedAsync(first);
        await first.Term!.Cluster.EnsureAsync(Cancel);
        first.PowerOff();
        cluster.Server.DeleteLease(cluster.Lease!.Name);
        var second = cluster.Add(2).Start();
        await cluster.AdvanceAsync(TimeSpan.FromSeconds(5));
        Assert.StartsWith("n2_", cluster.Lease!.HolderIdentity, StringComparison.Ordinal);
        Assert.False(second.IsElected);
        await second.StopAsync();
        Assert.Equal("", cluster.Lease!.HolderIdentity);
    });

    [Fact]
    public void Observers_of_a_deleted_Lease_send_few_requests() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1).Start();
        await cluster.UntilElectedAsync(first);
        // Each of them is about to become the standby.
        var observers = Enumerable.Range(2, 20).Select(node => cluster.Add(node).StartObserving()).ToList();
        await cluster.AdvanceAsync(TimeSpan.FromSeconds(29));
        first.PowerOff();
        cluster.Server.DeleteLease(cluster.Lease!.Name);
        var before = observers.Select(observer => observer.Api.Requests.Count).ToList();
        await cluster.AdvanceAsync(TimeSpan.FromSeconds(20));
        Assert.All(observers.Zip(before), pair => Assert.InRange(pair.First.Api.Requests.Count - pair.Second, 0, 8));
    });

    [Fact]
    public void A_duration_that_another_program_wrote_does_not_delay_the_next_election_for_long() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1).Start();
        await cluster.UntilElectedAsync(first);
        var second = cluster.Add(2).Start();
        await cluster.UntilStandbyAsync(second);
        cluster.Server.UpdateLease(cluster.Lease! with { Duration = TimeSpan.FromSeconds(int.MaxValue) });
        await cluster.AdvanceAsync(TimeSpan.FromSeconds(10));
        first.PowerOff();
        await cluster.UntilElectedAsync(second, 2 * Minute);
    });

    [Fact]
    public void A_namespace_that_does_not_exist_is_logged_once() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1);
        first.Api.Fault = request => request.Access.Verb == "create" ? new ModelFault(KubeErrorKind.NotFound) : null;
        first.Start();
        await cluster.AdvanceAsync(5 * Minute);
        Assert.Equal(1, first.Logger.Count(6201));
        Assert.InRange(first.Api.Requests.Count, 10, 40);
    });

    [Fact]
    public void The_standby_replaces_a_route_controller_whose_machine_fails_within_17_seconds() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1).Start();
        await cluster.UntilElectedAsync(first);
        var second = cluster.Add(2).Start();
        await cluster.UntilStandbyAsync(second);
        first.PowerOff();
        Assert.InRange(await cluster.UntilElectedAsync(second), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(17));
    });

    /// <summary>How long depends on when the others have read last.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(20)]
    public void Without_a_standby_another_node_is_elected_within_50_seconds(int seconds) => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1).Start();
        await cluster.UntilElectedAsync(first);
        var third = cluster.Add(3);
        third.MayControl = false;
        third.Start();
        await cluster.AdvanceAsync(5 * Minute + TimeSpan.FromSeconds(seconds));
        first.PowerOff();
        Assert.InRange(await cluster.UntilElectedAsync(third), TimeSpan.FromSeconds(11), TimeSpan.FromSeconds(50));
    });

    [Theory]
    [InlineData(-24)]
    [InlineData(24)]
    public void Wrong_clocks_elect_no_second_node_and_prevent_no_election(int hours) => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1).Start();
        await cluster.UntilElectedAsync(first);
        var second = cluster.Add(2);
        second.Clock.WallClockError = TimeSpan.FromHours(hours);
        second.Start();
        await cluster.AdvanceAsync(10 * Minute);
        Assert.True(first.IsElected);
        first.PowerOff();
        await cluster.UntilElectedAsync(second, TimeSpan.FromSeconds(17));
    });

    [Fact]
    public void A_clock_that_is_set_back_loses_no_term() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1).Start();
        await cluster.UntilElectedAsync(first);
        await cluster.UntilStandbyAsync(cluster.Add(2).Start());
        for (var i = 0; i < 20; i++)
        {
            // Each renewal has the time of the one before it.
            first.Clock.WallClockError -= TimeSpan.FromSeconds(4);
            await cluster.AdvanceAsync(TimeSpan.FromSeconds(4));
        }

        Assert.True(first.IsElected);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_holder_that_does_not_reach_the_API_server_ends_its_term_before_another_one_is_elected(bool hangs) =>
        VirtualTime.Run(async virtualTime =>
        {
            var cluster = new ElectionFixture(virtualTime);
            var first = cluster.Add(1).Start();
            await cluster.UntilElectedAsync(first);
            var second = cluster.Add(2).Start();
            await cluster.UntilStandbyAsync(second);
            first.Api.Fault = _ => new ModelFault(KubeErrorKind.TimedOut) { After = hangs ? TimeSpan.FromHours(1) : TimeSpan.Zero };
            var lost = await virtualTime.UntilAsync("the term is lost", () => !first.IsElected, Minute);
            Assert.InRange(lost, TimeSpan.FromSeconds(5.9), TimeSpan.FromSeconds(10));
            await cluster.UntilElectedAsync(second, TimeSpan.FromSeconds(17));
        });

    [Fact]
    public void A_suspended_holder_sends_no_write_after_it_is_resumed() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1).Start();
        await cluster.UntilElectedAsync(first);
        var second = cluster.Add(2).Start();
        await cluster.UntilStandbyAsync(second);
        var term = first.Term!;
        first.Clock.Suspend();
        await virtualTime.UntilAsync("the standby is elected", () => second.IsElected, Minute);
        // No timer of the first machine has run yet.
        Assert.False(term.Lost.IsCancellationRequested);
        var writes = WritesOfTerm();
        Assert.False(await term.Cluster.WriteAbsentLeasesAsync("{}"u8.ToArray(), Cancel));
        Assert.IsType<ClusterIdResult.TermOver>(await term.Cluster.EnsureAsync(Cancel));
        Assert.Equal(TermProof.Unproven, await term.ProveAsync([], [], Cancel));
        first.Clock.Resume();
        await cluster.AdvanceAsync(Minute);
        Assert.Equal(writes, WritesOfTerm());
        Assert.True(second.IsElected);

        // Without those of the standby, which it becomes meanwhile: they leave the second node as the holder.
        List<ModelRequest> WritesOfTerm() =>
        [
            .. first.Api.Requests.Where(request =>
                request.IsWrite && request.Lease?.HolderIdentity.StartsWith("n2_", StringComparison.Ordinal) != true),
        ];
    });

    [Fact]
    public void A_renewal_whose_response_is_lost_loses_no_term() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1).Start();
        await cluster.UntilElectedAsync(first);
        for (var i = 0; i < 10; i++)
        {
            first.Api.FailNext(i % 2 == 0 ? ModelFault.ResponseLost : ModelFault.RequestLost, request => request.Access.Verb == "update");
            await cluster.AdvanceAsync(TimeSpan.FromSeconds(7));
        }

        Assert.True(first.IsElected);
        Assert.Equal(0, cluster.Lease!.Transitions);
    });

    [Fact]
    public void A_candidate_whose_first_response_is_lost_is_elected_without_waiting() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1);
        first.Api.FailNext(ModelFault.ResponseLost, request => request.Access.Verb == "create");
        Assert.InRange(await cluster.UntilElectedAsync(first.Start()), TimeSpan.Zero, TimeSpan.FromSeconds(1));
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_cancelled_campaign_leaves_no_holder(bool isExecuted) => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1);
        first.Api.FailNext(
            new ModelFault(KubeErrorKind.TimedOut) { IsExecuted = isExecuted, After = TimeSpan.FromHours(1) },
            request => request.Access.Verb == "create");
        using var stop = new CancellationTokenSource();
        var campaign = first.Election.CampaignAsync(stop.Token);
        await virtualTime.AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(isExecuted, cluster.Lease is not null);
        stop.Cancel();
        await ((Task)campaign).ConfigureAwait(TaskWait.IgnoringFailure);
        Assert.True(campaign.IsCanceled);
        Assert.Equal("", cluster.Lease?.HolderIdentity ?? "");
        Assert.Equal(TimeSpan.Zero, await cluster.UntilElectedAsync(cluster.Add(2).Start()));
    });
}
