using Flannel.Core.Routes;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests;

/// <summary>How long a node waits for its route, and how many calls that takes. A call of the cloud takes 5 ms, a proof of the term
/// 1 ms.</summary>
public sealed class JoiningTests
{
    private static readonly TimeSpan OneCall = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan OneProof = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(20);

    [Fact]
    public void The_first_node_of_a_quiet_moment_waits_for_nothing_but_the_read_of_the_table() => Cluster.Run(async cluster =>
    {
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.UntilAvailable("10.24.1.0/24");
        await cluster.Time.Pass(Idle);

        var (joined, before) = (cluster.Time.Elapsed, cluster.Cloud.Calls.Count);
        cluster.Join("10.24.2.0/24", "i-2");
        await cluster.UntilAvailable("10.24.2.0/24");
        var calls = cluster.Cloud.Calls.Skip(before).Where(call => !call.Action.Contains("Interface", StringComparison.Ordinal)).ToList();
        Assert.Equal(["DescribeRouteEntryList", "CreateRouteEntries"], calls.Take(2).Select(call => call.Action));
        Assert.Equal([joined, joined + OneCall + OneProof], calls.Take(2).Select(call => call.At));
    });

    [Fact]
    public void The_first_node_of_a_term_waits_for_the_reads_of_its_table_and_for_no_other_call() => Cluster.Run(async cluster =>
    {
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        var began = cluster.Time.Elapsed;
        await cluster.UntilAvailable("10.24.1.0/24");
        // The list of the tables, and their entries.
        Assert.Equal(began + 2 * OneCall + OneProof, cluster.Cloud.Calls.First(call => call.IsWrite).At);
    });

    [Fact]
    public void The_table_is_read_again_at_once_after_a_write() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.Settling = TimeSpan.Zero;
        cluster.Leases.Add("10.24.1.0/24", "i-1");
        cluster.Cloud.SourceDestChecks["eni-i-1"] = false;
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24");
        var write = cluster.Cloud.Calls.First(call => call.IsWrite);
        var read = cluster.Cloud.Calls.First(call => call.N > write.N && call.Action == "DescribeRouteEntryList");
        Assert.Equal(write.At + OneCall, read.At);
        // One publication: the status Pending would only delay this one.
        Assert.Equal([RouteState.Available], cluster.Term.Statuses.Published.Select(p => p.Status.State));
    });

    [Fact]
    public void A_slow_store_of_the_statuses_does_not_delay_the_route() => Cluster.Run(async cluster =>
    {
        cluster.Term.Statuses.PublicationTime = TimeSpan.FromSeconds(1);
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.Time.Until(() => cluster.Cloud.Writes == 1);
        Assert.InRange(cluster.Time.Elapsed, TimeSpan.Zero, TimeSpan.FromMilliseconds(100));
        await cluster.UntilAvailable("10.24.1.0/24");
        Assert.Equal([RouteState.Pending, RouteState.Available], cluster.Term.Statuses.Published.Select(p => p.Status.State));
    });

    [Theory]
    [InlineData(20, 1)]
    [InlineData(60, 2)]
    [InlineData(200, 4)]
    public void Nodes_that_join_an_idle_controller_in_one_moment_share_calls(int nodes, int calls) => Cluster.Run(async cluster =>
    {
        cluster.Start();
        await cluster.Time.Pass(Idle);
        var random = new Random(nodes);
        var subnets = Enumerable.Range(0, nodes).Select(i => $"10.24.{i}.0/24").ToList();
        // The first two in one snapshot, the others within a tenth of a second.
        cluster.Join(subnets[0], "i-0");
        cluster.Join(subnets[1], "i-1");
        await Task.WhenAll(Enumerable.Range(2, nodes - 2).Select(async i =>
        {
            await cluster.Time.Pass(TimeSpan.FromMilliseconds(random.Next(100)));
            cluster.Join(subnets[i], $"i-{i}");
        }));
        await cluster.UntilAvailable([.. subnets]);
        Assert.InRange(cluster.Cloud.Count("CreateRouteEntries"), calls, calls + 1);
        Assert.Equal(cluster.Cloud.Writes, cluster.Cloud.Count("CreateRouteEntries"));
    });

    [Fact]
    public void The_reads_after_a_write_follow_the_time_that_earlier_writes_took() => Cluster.Run(async cluster =>
    {
        cluster.Start();
        var first = await JoinAsync(cluster, 1);
        for (var i = 2; i < 10; i++) await JoinAsync(cluster, i);
        var last = await JoinAsync(cluster, 10);

        // A write settles in 500 ms.
        Assert.InRange(first.Reads, 4, 7);
        Assert.InRange(last.Reads, 2, 3);
        Assert.InRange(last.Ready, TimeSpan.FromMilliseconds(500) - OneCall, TimeSpan.FromMilliseconds(600));

        // A new term knows it too.
        await cluster.StopAsync();
        using var next = new Cluster(cluster.Time, cloud: cluster.Cloud, transitionTimes: cluster.TransitionTimes);
        next.Start();
        var later = await JoinAsync(next, 11);
        Assert.InRange(later.Reads, 2, 3);
        await next.StopAsync();
    });

    [Fact]
    public void A_cloud_that_becomes_faster_or_slower_is_followed() => Cluster.Run(async cluster =>
    {
        cluster.Start();
        cluster.Cloud.Settling = TimeSpan.FromSeconds(4);
        for (var i = 1; i <= 5; i++) await JoinAsync(cluster, i);
        cluster.Cloud.Settling = TimeSpan.Zero;
        await JoinAsync(cluster, 6);
        // The first read is at once in any case.
        var fast = await JoinAsync(cluster, 7);
        Assert.Equal(1, fast.Reads);
        Assert.InRange(fast.Ready, TimeSpan.Zero, TimeSpan.FromMilliseconds(50));

        cluster.Cloud.Settling = TimeSpan.FromMilliseconds(500);
        for (var i = 8; i <= 24; i++) await JoinAsync(cluster, i);
        Assert.InRange((await JoinAsync(cluster, 25)).Ready, TimeSpan.FromMilliseconds(500) - OneCall, TimeSpan.FromMilliseconds(650));
    });

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void One_slow_write_does_not_delay_the_nodes_after_it(int seconds) => Cluster.Run(async cluster =>
    {
        cluster.Start();
        for (var i = 1; i <= 5; i++) await JoinAsync(cluster, i);
        cluster.Cloud.Settling = TimeSpan.FromSeconds(seconds);
        await JoinAsync(cluster, 6);
        cluster.Cloud.Settling = TimeSpan.FromMilliseconds(500);
        for (var i = 7; i <= 12; i++)
        {
            // Without a learned time a change is noticed after at most half of its duration.
            Assert.InRange((await JoinAsync(cluster, i)).Ready, TimeSpan.FromMilliseconds(500) - OneCall, TimeSpan.FromMilliseconds(750));
        }
    });

    [Fact]
    public void A_time_that_was_learned_from_slow_writes_does_not_delay_many_faster_ones() => Cluster.Run(async cluster =>
    {
        cluster.Start();
        cluster.Cloud.Settling = TimeSpan.FromSeconds(4);
        for (var i = 1; i <= 5; i++) await JoinAsync(cluster, i);
        cluster.Cloud.Settling = TimeSpan.FromMilliseconds(500);
        var delay = TimeSpan.Zero;
        for (var i = 6; i <= 25; i++) delay += (await JoinAsync(cluster, i)).Ready - cluster.Cloud.Settling;
        // All of them together wait for as long as one slow write.
        Assert.InRange(delay, TimeSpan.Zero, TimeSpan.FromSeconds(4));
    });

    [Fact]
    public void A_cloud_that_settles_now_and_then_after_8_s_delays_no_other_write() => Cluster.Run(async cluster =>
    {
        cluster.Start();
        for (var i = 1; i <= 20; i++)
        {
            cluster.Cloud.Settling = i % 2 == 0 ? TimeSpan.FromSeconds(8) : TimeSpan.Zero;
            var joined = await JoinAsync(cluster, i);
            Assert.InRange(joined.Ready, cluster.Cloud.Settling - OneCall, cluster.Cloud.Settling * 1.5 + OneCall);
        }
    });

    /// <summary>If the cloud settles at once, a call is over before the next node: then the limit of calls lets nodes share one.</summary>
    [Theory]
    [InlineData(0, 100)]
    [InlineData(500, 40)]
    public void Nodes_that_join_in_steps_of_50_ms_share_calls(int settling, int mostCalls) => Cluster.Run(async cluster =>
    {
        cluster.Cloud.Settling = TimeSpan.FromMilliseconds(settling);
        cluster.Start();
        await cluster.Time.Pass(Idle);
        var subnets = Enumerable.Range(0, 200).Select(i => $"10.24.{i}.0/24").ToList();
        for (var i = 0; i < subnets.Count; i++)
        {
            cluster.Join(subnets[i], $"i-{i}");
            await cluster.Time.Pass(TimeSpan.FromMilliseconds(50));
        }

        await cluster.UntilAvailable([.. subnets]);
        Assert.InRange(cluster.Cloud.Count("CreateRouteEntries"), 4, mostCalls);
    });

    [Fact]
    public void A_subnet_inside_a_vSwitch_is_refused_before_the_ranges_could_be_read() => Cluster.Run(async cluster =>
    {
        // The entries are known long before.
        cluster.Cloud.Faults = call => call is { Action: "DescribeVSwitches", N: < 10 }
            ? new InMemoryCloudApi.Fault(AliCloud.Http.CloudErrorKind.Retry, "ServiceUnavailable", Delay: TimeSpan.FromSeconds(2))
            : null;
        cluster.Leases.Config = InMemoryLeases.ConfigFor("192.168.0.0/16");
        cluster.Join("192.168.1.0/24", "i-1");
        cluster.Join("192.168.200.0/24", "i-2");
        cluster.Start();
        await cluster.UntilAvailable("192.168.200.0/24");
        await cluster.UntilState("192.168.1.0/24", RouteState.Rejected);
        Assert.Contains("lies inside 192.168.1.0/24", cluster.Status("192.168.1.0/24")!.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(
            cluster.Cloud.Calls,
            call => call.IsWrite && call.Subjects.Any(subject => subject.Contains("192.168.1.0/24", StringComparison.Ordinal)));
    });

    [Fact]
    public void A_node_that_joins_during_a_full_resync_does_not_wait_for_the_ranges() => Cluster.Run(async cluster =>
    {
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.UntilAvailable("10.24.1.0/24");
        var reads = cluster.Cloud.Count("DescribeVSwitches");
        cluster.Cloud.Faults = call => call.Action == "DescribeVSwitches"
            ? new InMemoryCloudApi.Fault(AliCloud.Http.CloudErrorKind.Retry, "ServiceUnavailable", Delay: TimeSpan.FromMinutes(1))
            : null;
        await cluster.Time.Until(() => cluster.Cloud.Count("DescribeVSwitches") > reads);
        var joined = cluster.Time.Elapsed;
        cluster.Join("10.24.2.0/24", "i-2");
        await cluster.UntilAvailable("10.24.2.0/24");
        Assert.InRange(cluster.Time.Elapsed - joined, TimeSpan.Zero, TimeSpan.FromSeconds(1));
    });

    [Fact]
    public void A_node_in_a_vSwitch_without_another_node_costs_no_call_more() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.AddVSwitch("vsw-2", "vpc-1", "vtb-1", "192.168.2.0/24");
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.UntilAvailable("10.24.1.0/24");
        cluster.Join("10.24.2.0/24", "i-2", vSwitch: "vsw-2");
        await cluster.UntilAvailable("10.24.2.0/24");
        Assert.Equal(
            (1, 0), (cluster.Cloud.Count("DescribeRouteTableList"), cluster.Cloud.Count("DescribeVSwitchAttributes")));

        // One that was created after the list.
        cluster.Cloud.AddVSwitch("vsw-3", "vpc-1", "vtb-1", "192.168.3.0/24");
        cluster.Join("10.24.3.0/24", "i-3", vSwitch: "vsw-3");
        await cluster.UntilAvailable("10.24.3.0/24");
        Assert.Equal(1, cluster.Cloud.Count("DescribeVSwitchAttributes"));
    });

    /// <param name="Ready">From the response to the write to the request that shows the route. The cloud executes it up to one call
    /// later.</param>
    /// <param name="Reads">Of the table after the write.</param>
    private sealed record Joined(TimeSpan Ready, int Reads);

    private static async Task<Joined> JoinAsync(Cluster cluster, int number)
    {
        await cluster.Time.Pass(Idle);
        var before = cluster.Cloud.Calls.Count;
        cluster.Join($"10.24.{number}.0/24", $"i-{number}");
        await cluster.UntilAvailable($"10.24.{number}.0/24");
        var calls = cluster.Cloud.Calls.Skip(before).ToList();
        var write = calls.Single(call => call.IsWrite);
        var reads = calls.Where(call => call.N > write.N && call.Action == "DescribeRouteEntryList").ToList();
        return new Joined(reads[^1].At - write.At - OneCall, reads.Count);
    }
}
