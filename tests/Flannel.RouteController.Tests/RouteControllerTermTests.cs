using Flannel.Core.Routes;
using Flannel.RouteController.Abstractions;
using Flannel.RouteController.Tests.Support;

using Fault = Flannel.RouteController.Tests.Support.InMemoryCloudApi.Fault;

namespace Flannel.RouteController.Tests;

/// <summary>How a term begins, ends and is lost, and how it publishes statuses.</summary>
public sealed class RouteControllerTermTests
{
    [Fact]
    public void A_stop_ends_the_term_at_once() => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        var before = cluster.Time.Elapsed;
        Assert.IsType<TermResult.Stopped>(await cluster.StopAsync());
        Assert.Equal(before, cluster.Time.Elapsed);
    });

    [Theory]
    [InlineData("DescribeNetworkInterfaces", false)]
    [InlineData("DescribeNetworkInterfaces", true)]
    [InlineData("GetProductQuota", false)]
    [InlineData("GetProductQuota", true)]
    [InlineData("DescribeVSwitches", false)]
    [InlineData("DescribeVSwitches", true)]
    public void An_internal_error_beside_the_routes_ends_the_term(string action, bool isCancellation) => VirtualTime.Run(async time =>
    {
        using var cluster = new Cluster(time);
        // A cancellation that the term did not request is an internal error.
        cluster.Cloud.Faults = call => call.Action != action ? null
            : throw (isCancellation ? new OperationCanceledException("of the test") : new InvalidOperationException("of the test"));
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await time.Until(() => cluster.Running.IsCompleted, TimeSpan.FromMinutes(5));
        Assert.Equal("of the test", (await Assert.ThrowsAnyAsync<Exception>(() => cluster.Running)).Message);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_internal_error_in_the_publication_of_the_vSwitches_ends_the_term(bool isCancellation) => VirtualTime.Run(async time =>
    {
        using var cluster = new Cluster(time);
        cluster.Term.Statuses.OnVSwitches = () =>
            throw (isCancellation ? new OperationCanceledException("of the test") : new InvalidOperationException("of the test"));
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await time.Until(() => cluster.Running.IsCompleted, TimeSpan.FromMinutes(5));
        Assert.Equal("of the test", (await Assert.ThrowsAnyAsync<Exception>(() => cluster.Running)).Message);
    });

    [Fact]
    public void A_rejected_publication_ends_the_term() => Cluster.Run(async cluster =>
    {
        cluster.Term.IsHeld = false;
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        Assert.IsType<TermResult.Lost>(await cluster.Running);
        Assert.Equal(0, cluster.Cloud.Writes);
    });

    /// <summary>The term is lost at each of its calls in turn, and another term follows. Nothing is written after the loss, and the result
    /// is always the same.</summary>
    [Fact]
    public void No_write_follows_the_loss_of_the_term_and_the_next_term_completes_the_work()
    {
        var calls = RunWithLoss(lossAfter: int.MaxValue);
        Assert.InRange(calls, 15, 60);
        for (var step = 1; step <= calls; step++) RunWithLoss(step);
    }

    /// <returns>The number of calls of a run.</returns>
    private static int RunWithLoss(int lossAfter)
    {
        var count = 0;
        Cluster.Run(async cluster =>
        {
            AddWork(cluster);
            var first = cluster.Term;
            var lostAt = -1;
            cluster.Cloud.Faults = call =>
            {
                if (call.N == lossAfter)
                {
                    lostAt = call.N;
                    first.Lose();
                }

                return null;
            };
            cluster.Start();
            if (lossAfter < int.MaxValue)
            {
                Assert.IsType<TermResult.Lost>(await cluster.Running);
                // Calls that began before the loss are recorded already. No other one may follow.
                var recorded = cluster.Cloud.Calls.Count;
                await cluster.Time.Pass(TimeSpan.FromSeconds(20));
                Assert.Equal(recorded, cluster.Cloud.Calls.Count);
                Assert.DoesNotContain(cluster.Cloud.Calls.Skip(lostAt + 1), call => call.IsWrite);
                cluster.Term = new InMemoryTerm(cluster.Time, cluster.Leases, first.Statuses.ByKey);
                cluster.Start();
            }

            await AssertWorkIsDoneAsync(cluster);
            count = cluster.Cloud.Calls.Count - 1;
        });
        return count;
    }

    /// <summary>Two routes to create, one to update, one to delete, and an unmanaged entry.</summary>
    private static void AddWork(Cluster cluster)
    {
        cluster.AddMarked("10.24.9.0/24", "i-gone");
        cluster.Join("10.24.9.0/24", "i-gone");
        cluster.Leases.Release("10.24.9.0/24");
        cluster.AddMarked("10.24.3.0/24", "i-before");
        cluster.Cloud.AddEntry("vtb-1", "10.24.8.0/24", "i-unmarked");
        for (var i = 1; i <= 3; i++) cluster.Join($"10.24.{i}.0/24", $"i-{i}");
    }

    private static async Task AssertWorkIsDoneAsync(Cluster cluster)
    {
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.2.0/24", "10.24.3.0/24");
        await cluster.Time.Until(() => cluster.Hop("10.24.9.0/24") is null);
        await cluster.Time.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal(
            ["10.24.1.0/24 i-1 Available", "10.24.2.0/24 i-2 Available", "10.24.3.0/24 i-3 Available", "10.24.8.0/24 i-unmarked Available"],
            cluster.Cloud.Routes("vtb-1").Order());
    }

    /// <summary>With <c>Fallback</c>, nodes that start meanwhile decide by it whether to reach the node through the tunnel.</summary>
    [Fact]
    public void A_route_that_could_not_be_created_keeps_its_state_until_a_term_has_tried_it_again() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.Quota = 1;
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.UntilAvailable("10.24.1.0/24");
        cluster.Join("10.24.2.0/24", "i-2");
        await cluster.UntilState("10.24.2.0/24", RouteState.QuotaExceeded);
        cluster.Term.Lose();
        cluster.Join("10.24.3.0/24", "i-3");
        await cluster.Running;
        cluster.Cloud.Faults = _ => Fault.NoConnection;
        StartNextTerm();
        await cluster.UntilState("10.24.3.0/24", RouteState.Pending);
        Assert.Equal(RouteState.QuotaExceeded, cluster.State("10.24.2.0/24"));
        // The term ends by itself.
        await cluster.UntilState("10.24.3.0/24", RouteState.Unreachable);
        await cluster.Running;
        Assert.Equal(RouteState.QuotaExceeded, cluster.State("10.24.2.0/24"));
        cluster.Cloud.Quota = 200;
        cluster.Cloud.Faults = _ => null;
        StartNextTerm();
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.2.0/24", "10.24.3.0/24");

        void StartNextTerm()
        {
            cluster.Term = new InMemoryTerm(cluster.Time, cluster.Leases, cluster.Term.Statuses.ByKey);
            cluster.Start();
        }
    });

    [Fact]
    public void A_deleted_status_is_written_again() => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        cluster.Term.Statuses.ByKey.Clear();
        await cluster.UntilAvailable("10.24.1.0/24");
        Assert.InRange(cluster.Time.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(130));
    });

    [Fact]
    public void A_status_that_etcd_rejects_delays_no_other_node_and_is_written_later() => Cluster.Run(async cluster =>
    {
        cluster.Term.Statuses.Rejects = lease => lease.Subnet.ToString() == "10.24.1.0/24";
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2");
        cluster.Start();
        await cluster.UntilAvailable("10.24.2.0/24");
        await cluster.Time.Pass(TimeSpan.FromMinutes(10));
        Assert.Null(cluster.Status("10.24.1.0/24"));
        // The passes do not repeat the publication; it is retried once a minute.
        Assert.InRange(cluster.Term.Statuses.Publications, 10, 30);
        cluster.Term.Statuses.Rejects = _ => false;
        var recovered = cluster.Time.Elapsed;
        await cluster.UntilAvailable("10.24.1.0/24");
        Assert.InRange(cluster.Time.Elapsed - recovered, TimeSpan.Zero, TimeSpan.FromMinutes(1));
    });

    [Fact]
    public void A_lease_that_is_created_again_gets_its_status_again_although_the_route_exists() => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        // The status was deleted with the old lease.
        cluster.Leases.Remove("10.24.1.0/24");
        cluster.Term.Statuses.ByKey.Clear();
        cluster.Join("10.24.1.0/24", "i-1");
        await AssertStatusIsPublishedAtOnceAsync(cluster);
    });

    [Fact]
    public void A_restored_lease_with_an_unchanged_revision_gets_its_status_again() => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        cluster.Term.Statuses.ByKey.Clear();
        cluster.Leases.Reattach("10.24.1.0/24", 999);
        await AssertStatusIsPublishedAtOnceAsync(cluster);
    });

    [Fact]
    public void A_status_of_another_instance_is_replaced() => Cluster.Run(async cluster =>
    {
        cluster.Term.Statuses.ByKey["10.24.1.0-24"] =
            new RouteStatus("10.24.1.0/24", "i-before", ["vtb-1"], RouteState.Available, "", "", default);
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.Time.Until(() => cluster.Status("10.24.1.0/24")!.InstanceId == "i-1");
        Assert.Equal(RouteState.Pending, cluster.State("10.24.1.0/24"));
        await cluster.UntilAvailable("10.24.1.0/24");
    });

    [Fact]
    public void A_repair_that_keeps_failing_changes_the_status_to_Pending() => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        cluster.Cloud.Faults = call => call.IsWrite ? Fault.Busy : null;
        cluster.Cloud.Tables["vtb-1"].Entries.Clear();
        await cluster.UntilState("10.24.1.0/24", RouteState.Pending);
        Assert.Contains("TaskConflict", cluster.Status("10.24.1.0/24")!.Message, StringComparison.Ordinal);
        cluster.Cloud.Faults = _ => null;
        await cluster.UntilAvailable("10.24.1.0/24");
    });

    [Fact]
    public void An_exception_of_the_lease_source_ends_the_term() => Cluster.Run(async cluster =>
    {
        var controller = new ClusterReconciler(
            new RouteControllerOptions([]), new FailingLeaseSource(), cluster.Cloud,
            new ControllerContext(cluster.Time, new Random(1), cluster.Log, cluster.Loops));
        await Assert.ThrowsAsync<InvalidOperationException>(() => controller.RunAsync(cluster.Term, TestContext.Current.CancellationToken));
    });

    /// <summary>The status of the new lease is published within 200 ms, and its route is not written again.</summary>
    private static async Task AssertStatusIsPublishedAtOnceAsync(Cluster cluster)
    {
        var created = cluster.Time.Elapsed;
        await cluster.UntilAvailable("10.24.1.0/24");
        Assert.InRange(cluster.Time.Elapsed - created, TimeSpan.Zero, TimeSpan.FromMilliseconds(200));
        Assert.Equal(1, cluster.Cloud.Writes);
    }

    private sealed class FailingLeaseSource : ILeaseSource
    {
        public Task RunAsync(CancellationToken cancellation) => Task.Delay(Timeout.Infinite, cancellation);

        public ValueTask<Flannel.Core.Leases.LeaseSnapshot> CurrentAsync(CancellationToken cancellation) =>
            throw new InvalidOperationException("internal error");

        public Task ChangedAfterAsync(long generation, CancellationToken cancellation) =>
            throw new InvalidOperationException("internal error");
    }
}
