using Flannel.AliCloud.Http;
using Flannel.Core.Routes;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests;

/// <summary>The routes of IPv6 subnets, and what their failures leave as it is.</summary>
public sealed class Ipv6RoutesTests
{
    private const string Subnet = "10.24.5.0/24";
    private const string Ipv6Subnet = "fd00:24:0:5::/64";
    private const string CustomTable = "OperationDenied.Ipv6EntryOnCustomTable";
    private const string NotEnabled = "OperationDenied.VpcIpv6NotEnabled";

    [Fact]
    public void A_dual_stack_node_gets_the_route_of_its_IPv4_subnet_and_then_that_of_its_IPv6_subnet() => Run(async cluster =>
    {
        Join(cluster, 5);
        await cluster.UntilAvailable(Subnet);
        Assert.Equal(RouteState.Pending, cluster.Ipv6(Subnet)!.State);
        await UntilIpv6(cluster, 5, RouteState.Available);
        var entry = cluster.Cloud.Tables["vtb-1"].At(Ipv6Subnet)!;
        Assert.Equal(("i-5", "Instance"), (entry.Hop.Id, entry.Hop.Type));
        Assert.Equal((Cluster.Mark.Token, Cluster.Mark.Description), (entry.Name, entry.Description));
        Assert.Equal(new Ipv6RouteStatus(Ipv6Subnet, RouteState.Available, "", ""), cluster.Ipv6(Subnet));
        Assert.Equal(2, cluster.Cloud.Count("CreateRouteEntries"));
        Assert.Equal(1, cluster.Controller.Snapshot.Ipv6CountByState[RouteState.Available]);
        Assert.Single(cluster.Controller.Snapshot.Nodes);
    });

    [Fact]
    public void A_node_without_an_IPv6_subnet_has_no_IPv6_state_and_causes_no_call() => Run(async cluster =>
    {
        cluster.Join(Subnet, "i-5");
        await cluster.UntilAvailable(Subnet);
        await cluster.Time.Pass(TimeSpan.FromMinutes(3));
        Assert.Null(cluster.Ipv6(Subnet));
        Assert.Equal(1, cluster.Cloud.Writes);
        Assert.Empty(cluster.Controller.Snapshot.Ipv6Nodes);
    });

    [Theory]
    [InlineData(NotEnabled, RouteState.Rejected, "enable IPv6")]
    [InlineData(CustomTable, RouteState.Rejected, "system route table")]
    [InlineData("OperationUnsupported.Ipv6EntryOnPrimaryNetworkInterface", RouteState.Rejected, "Instance")]
    [InlineData("OperationUnsupported.MutipleIpv6Address", RouteState.Rejected, "one IPv6 address")]
    [InlineData("OperationFailed.NotSupportIPV6", RouteState.Rejected, "assign an IPv6 address")]
    [InlineData("OperationUnsupported.Ipv6CidrBlock", RouteState.Rejected, "another IPv6Network")]
    [InlineData("OperationUnsupported.DestinationCidrBlockOverlapWithVSwitch", RouteState.Rejected, "overlaps no vSwitch")]
    [InlineData("OperationUnsupported.SpecifyIpOnIpv6Entry", RouteState.Rejected, "next hop")]
    [InlineData("IncorrectStatus.Ipv6Address", RouteState.Pending, "retrying")]
    [InlineData("QuotaExceeded", RouteState.QuotaExceeded, "vpc_quota_route_entrys_num")]
    [InlineData("SomethingNew", RouteState.Rejected, "SomethingNew")]
    public void A_refusal_is_a_state_of_IPv6_alone(string code, RouteState state, string text)
    {
        foreach (var refusesBatches in new[] { false, true })
        {
            var with = Ipv4Outcome(cluster =>
            {
                cluster.Cloud.Ipv6Refusal = _ => code;
                cluster.Cloud.RefusesIpv6Batches = refusesBatches;
            }, isDualStack: true, async cluster =>
            {
                await UntilIpv6(cluster, 5, state);
                await cluster.Time.Until(() => cluster.Ipv6(Subnet)!.Message.Contains(text, StringComparison.Ordinal));
                Assert.Null(cluster.Cloud.Tables["vtb-1"].At(Ipv6Subnet));
            });
            Assert.Equal(Ipv4Outcome(_ => { }, isDualStack: false, _ => Task.CompletedTask), with);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_table_without_IPv6_is_tried_with_one_route_and_accepted_when_it_has_IPv6(bool refusesBatches) => Run(async cluster =>
    {
        var isEnabled = false;
        cluster.Cloud.Ipv6Refusal = _ => isEnabled ? null : NotEnabled;
        cluster.Cloud.RefusesIpv6Batches = refusesBatches;
        for (var i = 1; i <= 40; i++) Join(cluster, i);
        await cluster.UntilAvailable([.. Enumerable.Range(1, 40).Select(i => $"10.24.{i}.0/24")]);
        await UntilIpv6(cluster, 40, RouteState.Rejected);
        var before = cluster.Cloud.Writes;
        await cluster.Time.Pass(TimeSpan.FromMinutes(30));
        Assert.InRange(cluster.Cloud.Writes - before, 1, 12);
        Assert.Equal(1, cluster.Log.Count(3503));
        isEnabled = true;
        await UntilIpv6(cluster, [.. Enumerable.Range(1, 40)], RouteState.Available);
        Assert.Equal(80, cluster.Cloud.Tables["vtb-1"].Entries.Count);
    });

    [Fact]
    public void A_custom_table_that_refuses_IPv6_does_not_stop_the_system_table() => Run(async cluster =>
    {
        cluster.Cloud.AddSecondTable();
        cluster.Cloud.Ipv6Refusal = entry => entry.RouteTableId == "vtb-2" ? CustomTable : null;
        cluster.Cloud.RefusesIpv6Batches = true;
        for (var i = 1; i <= 6; i++) Join(cluster, i, i % 2 == 0 ? "vsw-1" : "vsw-2");
        await UntilIpv6(cluster, 6, RouteState.Rejected);
        await cluster.Time.Until(() => cluster.Cloud.Tables["vtb-1"].Entries.Count == 12);
        Assert.Equal(6, cluster.Cloud.Tables["vtb-2"].Entries.Count);
        Assert.Contains("vtb-2", cluster.Ipv6("10.24.6.0/24")!.Message, StringComparison.Ordinal);
        Assert.Equal(RouteState.Available, cluster.State("10.24.6.0/24"));
    });

    [Fact]
    public void IPv6_leaves_a_part_of_a_table_to_IPv4() => Run(async cluster =>
    {
        cluster.Cloud.Quota = 10;
        await cluster.Time.Pass(TimeSpan.FromSeconds(5));
        for (var i = 1; i <= 6; i++) Join(cluster, i);
        await cluster.UntilAvailable([.. Enumerable.Range(1, 6).Select(i => $"10.24.{i}.0/24")]);
        await cluster.Time.Until(() => cluster.Cloud.Tables["vtb-1"].Entries.Count == 9);
        await cluster.Time.Pass(TimeSpan.FromMinutes(20));
        Assert.Equal(9, cluster.Cloud.Tables["vtb-1"].Entries.Count);
        var full = Enumerable.Range(1, 6).Select(i => cluster.Ipv6($"10.24.{i}.0/24")!).Where(ipv6 => ipv6.State != RouteState.Available);
        Assert.Equal(3, full.Count());
        Assert.All(full, ipv6 => Assert.Equal(RouteState.QuotaExceeded, ipv6.State));
        Assert.All(full, ipv6 => Assert.Contains("9 of 10", ipv6.Message, StringComparison.Ordinal));
        // The last entry is for a node that joins.
        cluster.Join("10.24.9.0/24", "i-9");
        await cluster.UntilAvailable("10.24.9.0/24");
    });

    [Fact]
    public void IPv6_routes_make_room_for_an_IPv4_route_that_finds_the_table_full() => Run(async cluster =>
    {
        cluster.Cloud.Quota = 10;
        for (var i = 1; i <= 4; i++) Join(cluster, i);
        await UntilIpv6(cluster, [1, 2, 3, 4], RouteState.Available);
        for (var i = 5; i <= 10; i++) cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        await cluster.UntilAvailable([.. Enumerable.Range(1, 10).Select(i => $"10.24.{i}.0/24")]);
        Assert.Equal(10, cluster.Cloud.Tables["vtb-1"].Entries.Count(entry => !entry.Destination.Contains(':')));
        await UntilIpv6(cluster, [1, 2, 3, 4], RouteState.QuotaExceeded);
        await cluster.Time.Pass(TimeSpan.FromMinutes(30));
        Assert.Equal(10, cluster.Cloud.Tables["vtb-1"].Entries.Count);
        Assert.Equal(4, cluster.Cloud.Calls.Where(call => call.Action == "DeleteRouteEntries").Sum(call => call.Subjects.Count));
        Assert.InRange(cluster.Log.Count(3545), 1, 4);
    });

    [Fact]
    public void An_API_that_does_not_respond_to_IPv6_delays_IPv4_by_a_few_seconds_at_most() => Run(async cluster =>
    {
        cluster.Cloud.Faults = call => call.IsWrite && call.Subjects.Any(subject => subject.Contains("fd00:", StringComparison.Ordinal))
            ? new InMemoryCloudApi.Fault(CloudErrorKind.Reread, CloudErrorCodes.Timeout, Delay: TimeSpan.FromSeconds(60))
            : null;
        Join(cluster, 5);
        await cluster.UntilAvailable(Subnet);
        for (var i = 6; i < 16; i++)
        {
            await cluster.Time.Pass(TimeSpan.FromSeconds(7));
            var joined = cluster.Time.Elapsed;
            cluster.Join($"10.24.{i}.0/24", $"i-{i}");
            await cluster.UntilAvailable($"10.24.{i}.0/24");
            Assert.InRange(cluster.Time.Elapsed - joined, TimeSpan.Zero, Ipv6Reconciler.WriteLimit + TimeSpan.FromSeconds(3));
        }

        Assert.Equal(RouteState.Available, cluster.State(Subnet));
        Assert.NotEqual(RouteState.Available, cluster.Ipv6(Subnet)!.State);
        cluster.Cloud.Faults = _ => null;
        await UntilIpv6(cluster, 5, RouteState.Available);
    });

    [Fact]
    public void The_entry_of_a_lease_that_ended_is_deleted_and_entries_of_others_are_not_touched() => Run(async cluster =>
    {
        var table = cluster.Cloud.Tables["vtb-1"];
        string[] others = ["::/0", "fd00:24:0:77::/64", "fd00:99::/64"];
        foreach (var destination in others) cluster.Cloud.AddEntry("vtb-1", destination, "i-99");
        cluster.AddMarked("fd00:98::/64", "i-99"); // outside the network
        Join(cluster, 5);
        await UntilIpv6(cluster, 5, RouteState.Available);
        Assert.Single(cluster.Controller.Snapshot.Conflicts, conflict => conflict.Destination == "fd00:24:0:77::/64");
        cluster.Leases.Remove(Subnet);
        await cluster.Time.Until(() => table.At(Subnet) is null && table.At(Ipv6Subnet) is null);
        await cluster.Time.Pass(TimeSpan.FromHours(30));
        Assert.Equal([.. others, "fd00:98::/64"], table.Entries.Select(entry => entry.Destination));
    });

    [Fact]
    public void An_entry_is_kept_while_a_lease_in_the_store_has_its_IPv6_subnet() => Run(async cluster =>
    {
        Join(cluster, 5);
        await UntilIpv6(cluster, 5, RouteState.Available);
        // The node leases another IPv4 subnet with the same IPv6 subnet, and the watch lags behind.
        cluster.Leases.InEtcd = [cluster.Leases.Snapshot.Leases[0] with { Key = new(Plans.Desired("10.24.6.0/24").Lease.Subnet, Key6) }];
        cluster.Leases.Remove(Subnet);
        await cluster.Time.Until(() => cluster.Cloud.Tables["vtb-1"].At(Subnet) is null);
        await cluster.Time.Pass(TimeSpan.FromMinutes(5));
        Assert.NotNull(cluster.Cloud.Tables["vtb-1"].At(Ipv6Subnet));
        cluster.Leases.InEtcd = [];
        await cluster.Time.Until(() => cluster.Cloud.Tables["vtb-1"].At(Ipv6Subnet) is null);
    });

    [Fact]
    public void A_released_node_loses_both_routes() => Run(async cluster =>
    {
        Join(cluster, 5);
        await UntilIpv6(cluster, 5, RouteState.Available);
        cluster.Leases.Release(Subnet);
        await cluster.UntilState(Subnet, RouteState.Released);
        await cluster.Time.Until(() => cluster.Cloud.Tables["vtb-1"].Entries.Count == 0);
    });

    [Fact]
    public void A_lost_or_updated_entry_is_repaired_and_one_of_another_cluster_is_a_conflict_of_IPv6_alone() => Run(async cluster =>
    {
        var table = cluster.Cloud.Tables["vtb-1"];
        Join(cluster, 5);
        await UntilIpv6(cluster, 5, RouteState.Available);
        table.At(Ipv6Subnet)!.Hop = new("Instance", "i-99");
        await cluster.Time.Until(() => cluster.Hop(Ipv6Subnet) == "i-5");
        table.Entries.RemoveAll(entry => entry.Destination == Ipv6Subnet);
        await cluster.Time.Until(() => cluster.Hop(Ipv6Subnet) == "i-5");
        var entry = table.At(Ipv6Subnet)!;
        (entry.Hop, entry.Name, entry.Description) = (new("Instance", "i-99"), Plans.Theirs.Token, Plans.Theirs.Description);
        await UntilIpv6(cluster, 5, RouteState.Conflict);
        Assert.Equal((RouteState.Available, "i-99"), (cluster.State(Subnet), cluster.Hop(Ipv6Subnet)));
        Assert.Contains("another owner", cluster.Ipv6(Subnet)!.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void A_subnet_outside_the_IPv6_network_keeps_its_entry_and_gets_none() => Run(async cluster =>
    {
        Join(cluster, 5);
        await UntilIpv6(cluster, 5, RouteState.Available);
        cluster.Leases.SetConfig(InMemoryLeases.ConfigFor("10.24.0.0/16", "fd00:25::/32"));
        await UntilIpv6(cluster, 5, RouteState.Rejected);
        Join(cluster, 6);
        await cluster.UntilAvailable("10.24.6.0/24");
        await UntilIpv6(cluster, 6, RouteState.Rejected);
        await cluster.Time.Pass(TimeSpan.FromMinutes(10));
        Assert.Equal("i-5", cluster.Hop(Ipv6Subnet));
        Assert.Null(cluster.Cloud.Tables["vtb-1"].At("fd00:24:0:6::/64"));
        Assert.Contains("fd00:25::/32", cluster.Ipv6("10.24.6.0/24")!.Message, StringComparison.Ordinal);
        // An invalid configuration says nothing about the networks.
        cluster.Leases.SetConfig(null);
        await UntilIpv6(cluster, [5, 6], RouteState.Available);
    });

    /// <summary>In Kubernetes, a cluster of two families may use flannel for IPv4 alone.</summary>
    [Fact]
    public void A_node_whose_flannel_does_not_use_its_IPv6_subnet_has_no_IPv6_state() => Run(async cluster =>
    {
        cluster.Leases.SetConfig(InMemoryLeases.ConfigFor("10.24.0.0/16"));
        cluster.Leases.Add(Subnet, "i-5", ipv6: Ipv6Subnet);
        cluster.Leases.RemoveIpv6Address(Subnet);
        await cluster.UntilAvailable(Subnet);
        await cluster.Time.Pass(TimeSpan.FromMinutes(3));
        Assert.Null(cluster.Ipv6(Subnet));
        Assert.Empty(cluster.Controller.Snapshot.Ipv6Nodes);
    });

    [Fact]
    public void A_route_inside_the_IPv6_range_of_a_vSwitch_is_not_sent() => Run(async cluster =>
    {
        cluster.Cloud.VSwitches["vsw-1"] = cluster.Cloud.VSwitches["vsw-1"] with { Ipv6CidrBlock = "fd00:24::/48" };
        Join(cluster, 5);
        await UntilIpv6(cluster, 5, RouteState.Rejected);
        Assert.Contains("vsw-1", cluster.Ipv6(Subnet)!.Message, StringComparison.Ordinal);
        await cluster.Time.Pass(TimeSpan.FromMinutes(5));
        Assert.Equal((1, RouteState.Available), (cluster.Cloud.Writes, cluster.State(Subnet)));
    });

    private static Flannel.Core.Addresses.Ipv6Network Key6 => Flannel.Core.Addresses.Ipv6Network.Parse(Ipv6Subnet);

    /// <summary>With an IPv6 network and a running controller.</summary>
    private static void Run(Func<Cluster, Task> test) => Cluster.Run(async cluster =>
    {
        cluster.Leases.Config = InMemoryLeases.ConfigFor("10.24.0.0/16", "fd00:24::/32");
        cluster.Start();
        await test(cluster);
    });

    private static void Join(Cluster cluster, int number, string vSwitch = "vsw-1") =>
        cluster.Join($"10.24.{number}.0/24", $"i-{number}", vSwitch, ipv6: $"fd00:24:0:{number:x}::/64");

    private static Task UntilIpv6(Cluster cluster, int number, RouteState state) => UntilIpv6(cluster, [number], state);

    private static Task UntilIpv6(Cluster cluster, int[] numbers, RouteState state) =>
        cluster.Time.Until(() => numbers.All(number => cluster.Ipv6($"10.24.{number}.0/24")?.State == state));

    /// <summary>The statuses and entries of IPv4 when three nodes join one after the other.</summary>
    private static string Ipv4Outcome(Action<Cluster> arrange, bool isDualStack, Func<Cluster, Task> check)
    {
        var outcome = "";
        Run(async cluster =>
        {
            arrange(cluster);
            foreach (var number in new[] { 5, 6, 7 })
            {
                if (isDualStack) Join(cluster, number);
                else cluster.Join($"10.24.{number}.0/24", $"i-{number}");
                await cluster.UntilAvailable($"10.24.{number}.0/24");
                await cluster.Time.Pass(TimeSpan.FromSeconds(5));
            }

            await check(cluster);
            var statuses = cluster.Term.Statuses.Published.Select(published => published.Status)
                .Select(status => $"{status.Subnet} {status.State} {status.Message}").Distinct();
            var routes = cluster.Cloud.Routes("vtb-1").Where(route => !route.StartsWith("fd00", StringComparison.Ordinal));
            outcome = string.Join('\n', statuses.Concat(routes));
        });
        return outcome;
    }
}
