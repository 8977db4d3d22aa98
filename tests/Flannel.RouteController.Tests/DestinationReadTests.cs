using Flannel.AliCloud.Http;
using Flannel.Core.Routes;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests;

/// <summary>Tables of several pages: the route controller reads single destinations between the complete reads. A page has one entry
/// here.</summary>
public sealed class DestinationReadTests
{
    private const string Joining = "10.24.9.0/24";
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(20);

    [Fact]
    public void A_node_that_joins_waits_for_reads_of_its_destination_alone() => Run(async cluster =>
    {
        var calls = await JoinAsync(cluster, Joining, "i-9");
        Assert.Equal(
            ["DescribeRouteEntryList", "CreateRouteEntries", "DescribeRouteEntryList"], calls.Take(3).Select(call => call.Action));
        Assert.All(ReadsIn(calls), read => Assert.Equal(["vtb-1", Joining], read.Subjects));
    });

    [Fact]
    public void Fifty_nodes_that_join_together_share_calls_of_twenty_destinations() => Run(async cluster =>
    {
        // More pages than calls.
        for (var i = 0; i < 5; i++) cluster.Cloud.AddEntry("vtb-1", $"10.99.{i}.0/24", "i-x");
        await cluster.Time.Pass(TimeSpan.FromMinutes(2));
        var before = cluster.Cloud.Calls.Count;
        var subnets = Enumerable.Range(100, 50).Select(i => $"10.24.{i}.0/24").ToArray();
        foreach (var subnet in subnets) cluster.Join(subnet, $"i-{subnet}");
        await cluster.UntilAvailable(subnets);
        var calls = cluster.Cloud.Calls.Skip(before).ToList();
        var write = calls.First(call => call.IsWrite);
        Assert.Equal([21, 21, 11], ReadsIn(calls).TakeWhile(read => read.N < write.N).Select(read => read.Subjects.Count));
        Assert.Equal(1, cluster.Cloud.Calls.Skip(before).Count(call => call.IsWrite));
    });

    [Fact]
    public void An_entry_of_another_owner_at_the_destination_is_found_before_the_next_complete_read() => Run(async cluster =>
    {
        cluster.Cloud.AddEntry("vtb-1", Joining, "vpn-1", type: "VpnGateway");
        var (before, writes) = (cluster.Cloud.Calls.Count, cluster.Cloud.Writes);
        cluster.Join(Joining, "i-9");
        await cluster.UntilState(Joining, RouteState.Conflict);
        Assert.All(ReadsIn(cluster.Cloud.Calls.Skip(before)), read => Assert.Equal(["vtb-1", Joining], read.Subjects));
        await cluster.Time.Pass(TimeSpan.FromMinutes(2));
        Assert.Equal(writes, cluster.Cloud.Writes);
    });

    [Fact]
    public void A_route_that_disappears_elsewhere_is_found_by_the_resync() => Run(async cluster =>
    {
        await JoinAsync(cluster, Joining, "i-9");
        var table = cluster.Cloud.Tables["vtb-1"];
        table.Entries.Remove(table.At("10.24.1.0/24")!);
        await cluster.Time.Until(() => cluster.Hop("10.24.1.0/24") == "i-1", TimeSpan.FromSeconds(62));
        Assert.Equal(RouteState.Available, cluster.State("10.24.1.0/24"));
    });

    [Fact]
    public void A_filter_that_the_API_rejects_is_not_used_again() => Run(async cluster =>
    {
        cluster.Cloud.Faults = call => IsOfDestinations(call)
            ? new InMemoryCloudApi.Fault(CloudErrorKind.Fatal, "IllegalParam.DestCidrBlockList")
            : null;
        Assert.Equal(1, (await JoinAsync(cluster, Joining, "i-9")).Count(IsOfDestinations));
        Assert.Equal(0, (await JoinAsync(cluster, "10.24.10.0/24", "i-10")).Count(IsOfDestinations));
    });

    [Fact]
    public void A_filter_that_the_API_ignores_is_not_used_again() => Run(async cluster =>
    {
        cluster.Cloud.IgnoresDestinations = true;
        Assert.Equal(1, (await JoinAsync(cluster, Joining, "i-9")).Count(IsOfDestinations));
        Assert.Equal(0, (await JoinAsync(cluster, "10.24.10.0/24", "i-10")).Count(IsOfDestinations));
    });

    [Fact]
    public void A_read_of_a_destination_that_fails_is_followed_by_a_complete_one() => Run(async cluster =>
    {
        var isFirst = true;
        cluster.Cloud.Faults = call =>
        {
            if (!IsOfDestinations(call) || !isFirst) return null;
            isFirst = false;
            return new InMemoryCloudApi.Fault(CloudErrorKind.Retry, "ServiceUnavailable");
        };
        var reads = ReadsIn(await JoinAsync(cluster, Joining, "i-9"));
        Assert.Equal([2, 1], reads.Take(2).Select(read => read.Subjects.Count));
        Assert.Equal(2, ReadsIn(await JoinAsync(cluster, "10.24.10.0/24", "i-10")).First().Subjects.Count);
    });

    [Fact]
    public void An_entry_that_the_filter_does_not_match_is_found_by_a_complete_read() => Run(async cluster =>
    {
        cluster.Cloud.UnmatchedDestinations.Add(Joining);
        var calls = await JoinAsync(cluster, Joining, "i-9");
        Assert.Single(calls, call => call.IsWrite);
        // The same for one that exists before the lease.
        cluster.Cloud.UnmatchedDestinations.Add("10.24.1.0/24");
        cluster.Leases.Remove("10.24.1.0/24");
        await cluster.Time.Pass(TimeSpan.FromSeconds(1));
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.Time.Pass(TimeSpan.FromMinutes(2));
        Assert.Equal(RouteState.Available, cluster.State("10.24.1.0/24"));
        Assert.Equal(calls.Single(call => call.IsWrite), cluster.Cloud.Calls.Last(call => call.IsWrite));
    });

    [Fact]
    public void A_failed_write_is_followed_by_a_complete_read() => Run(async cluster =>
    {
        var isFirst = true;
        cluster.Cloud.Faults = call =>
        {
            if (!call.IsWrite || !isFirst) return null;
            isFirst = false;
            return InMemoryCloudApi.Fault.TimeoutAfterSuccess;
        };
        var calls = await JoinAsync(cluster, Joining, "i-9");
        var write = Assert.Single(calls, call => call.IsWrite);
        Assert.Equal(["vtb-1"], ReadsIn(calls).First(read => read.N > write.N).Subjects);
    });

    [Fact]
    public void A_route_is_updated_from_a_fresh_read_of_its_destination() => Run(async cluster =>
    {
        var before = cluster.Cloud.Calls.Count;
        cluster.Leases.Remove("10.24.1.0/24");
        cluster.Join("10.24.1.0/24", "i-new");
        await cluster.Time.Until(() => cluster.Hop("10.24.1.0/24") == "i-new");
        await cluster.UntilAvailable("10.24.1.0/24");
        var calls = cluster.Cloud.Calls.Skip(before).ToList();
        var write = calls.Single(call => call.IsWrite);
        Assert.Equal("ModifyRouteEntry", write.Action);
        var read = ReadsIn(calls).Last(read => read.N < write.N);
        Assert.Equal(["vtb-1", "10.24.1.0/24"], read.Subjects);
        Assert.InRange(write.At - read.At, TimeSpan.Zero, TimeSpan.FromSeconds(3));
    });

    [Fact]
    public void A_deletion_follows_a_complete_read_and_one_of_its_destination() => Run(async cluster =>
    {
        // What a complete read found is too old when it ends.
        cluster.Cloud.Latency = TimeSpan.FromSeconds(2.5);
        cluster.Leases.Remove("10.24.1.0/24");
        await cluster.Time.Until(() => cluster.Cloud.Count("DeleteRouteEntries") == 1);
        var write = cluster.Cloud.Calls.Single(call => call.Action == "DeleteRouteEntries");
        var reads = ReadsIn(cluster.Cloud.Calls).Where(read => read.N < write.N).ToList();
        Assert.Equal(["vtb-1", "10.24.1.0/24"], reads[^1].Subjects);
        Assert.Equal(["vtb-1"], reads[^2].Subjects);
        Assert.InRange(write.At - reads[^2].At, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        await cluster.Time.Until(() => cluster.Hop("10.24.1.0/24") is null);
    });

    [Fact]
    public void A_table_of_one_page_is_always_read_completely() => Cluster.Run(async cluster =>
    {
        cluster.Start();
        await JoinAsync(cluster, "10.24.1.0/24", "i-1");
        await JoinAsync(cluster, "10.24.2.0/24", "i-2");
        await JoinAsync(cluster, Joining, "i-9");
        Assert.DoesNotContain(cluster.Cloud.Calls, IsOfDestinations);
    });

    /// <summary>A cluster whose table has three entries.</summary>
    private static void Run(Func<Cluster, Task> test) => Cluster.Run(async cluster =>
    {
        for (var i = 1; i <= 3; i++) cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.2.0/24", "10.24.3.0/24");
        await cluster.Time.Pass(Idle);
        await test(cluster);
    }, new RouteControllerOptions([]) { EntriesPerPage = 1 });

    /// <returns>The calls until the route was available, without those of interfaces.</returns>
    private static async Task<List<InMemoryCloudApi.Call>> JoinAsync(Cluster cluster, string subnet, string instance)
    {
        var before = cluster.Cloud.Calls.Count;
        cluster.Join(subnet, instance);
        await cluster.UntilAvailable(subnet);
        return [.. cluster.Cloud.Calls.Skip(before).Where(call => !call.Action.Contains("Interface", StringComparison.Ordinal))];
    }

    private static IEnumerable<InMemoryCloudApi.Call> ReadsIn(IEnumerable<InMemoryCloudApi.Call> calls) =>
        calls.Where(call => call.Action == "DescribeRouteEntryList");

    private static bool IsOfDestinations(InMemoryCloudApi.Call call) =>
        call is { Action: "DescribeRouteEntryList", Subjects.Count: > 1 };
}
