using Flannel.AliCloud.Http;
using Flannel.Core.Routes;
using Flannel.RouteController.Tests.Support;

using Fault = Flannel.RouteController.Tests.Support.InMemoryCloudApi.Fault;

namespace Flannel.RouteController.Tests;

/// <summary>What a route status says about each route table, and that it is not written without a change.</summary>
public sealed class RouteStatusByTableTests
{
    private const string Subnet = "10.24.1.0/24";

    [Fact]
    public void A_full_table_is_named_with_code_and_request_beside_the_table_that_has_the_route() => Run(async cluster =>
    {
        Fill(cluster, "vtb-2");
        cluster.Join(Subnet, "i-1");
        cluster.Start();
        await cluster.UntilState(Subnet, RouteState.QuotaExceeded);
        await cluster.Time.Until(() => Tables(cluster)[0].State == RouteState.Available);
        Assert.Equal(new TableRouteStatus("vtb-1", RouteState.Available, "", "", ""), Tables(cluster)[0]);
        var full = Tables(cluster)[1];
        Assert.Equal(("vtb-2", RouteState.QuotaExceeded, "QuotaExceeded"), (full.Table, full.State, full.Code));
        Assert.StartsWith("route table vtb-2 is full (QuotaExceeded)", full.Message, StringComparison.Ordinal);
        // A request that failed for this table alone.
        var call = cluster.Cloud.Calls.Single(call => $"R-{call.N}" == full.RequestId);
        Assert.StartsWith("CreateRouteEntr", call.Action, StringComparison.Ordinal);
        Assert.All(call.Subjects, subject => Assert.Contains("vtb-2", subject, StringComparison.Ordinal));
        Assert.Equal(["vtb-1", "vtb-2"], cluster.Status(Subnet)!.RouteTableIds);
    });

    [Fact]
    public void A_conflict_names_its_table_without_a_code() => Run(async cluster =>
    {
        cluster.Cloud.AddEntry("vtb-2", Subnet, "vpn-1", type: "VpnGateway");
        cluster.Join(Subnet, "i-1");
        cluster.Start();
        await cluster.UntilState(Subnet, RouteState.Conflict);
        await cluster.Time.Until(() => Tables(cluster)[0].State == RouteState.Available);
        var conflict = Tables(cluster)[1];
        Assert.Equal(("vtb-2", RouteState.Conflict, "", ""), (conflict.Table, conflict.State, conflict.Code, conflict.RequestId));
        Assert.Equal(cluster.Status(Subnet)!.Message, conflict.Message);
    });

    [Fact]
    public void Each_table_has_its_own_reason() => Run(async cluster =>
    {
        cluster.Cloud.AddEntry("vtb-1", Subnet, "vpn-1", type: "VpnGateway");
        Fill(cluster, "vtb-2");
        cluster.Join(Subnet, "i-1");
        cluster.Start();
        await cluster.Time.Until(
            () => cluster.Status(Subnet)?.Tables is [{ State: RouteState.Conflict }, { State: RouteState.QuotaExceeded }]);
        Assert.Equal(RouteState.Conflict, cluster.State(Subnet));
    });

    [Fact]
    public void A_route_that_is_available_or_only_pending_adds_nothing_to_its_status() => Run(async cluster =>
    {
        cluster.Join(Subnet, "i-1");
        cluster.Start();
        await cluster.UntilAvailable(Subnet);
        Assert.All(cluster.Term.Statuses.Published, published => Assert.Null(published.Status.Tables));
        Assert.Equal(2, cluster.Term.Statuses.Published.Count);
    });

    [Fact]
    public void A_retry_with_a_new_request_id_writes_no_status_and_keeps_the_first_id() => Run(async cluster =>
    {
        Fill(cluster, "vtb-2");
        cluster.Join(Subnet, "i-1");
        cluster.Start();
        await cluster.UntilState(Subnet, RouteState.QuotaExceeded);
        await cluster.Time.Pass(TimeSpan.FromMinutes(1));
        var (published, calls) = (cluster.Term.Statuses.Published.Count, cluster.Cloud.Writes);
        var first = Tables(cluster)[1].RequestId;
        await cluster.Time.Pass(TimeSpan.FromHours(1));
        Assert.True(cluster.Cloud.Writes > calls + 3, "the route was not tried again");
        Assert.Equal(published, cluster.Term.Statuses.Published.Count);
        Assert.Equal(first, Tables(cluster)[1].RequestId);
    });

    [Fact]
    public void The_next_term_writes_no_status_while_the_table_refuses_as_before() => Run(async cluster =>
    {
        Fill(cluster, "vtb-2");
        cluster.Join(Subnet, "i-1");
        cluster.Start();
        await cluster.UntilState(Subnet, RouteState.QuotaExceeded);
        await cluster.Time.Pass(TimeSpan.FromMinutes(1));
        var before = cluster.Status(Subnet)!;
        using (var first = cluster.Term)
        {
            first.Lose();
            await cluster.Running;
            cluster.Term = new InMemoryTerm(cluster.Time, cluster.Leases, first.Statuses.ByKey);
        }

        cluster.Start();
        var writes = cluster.Cloud.Writes;
        await cluster.Time.Pass(TimeSpan.FromMinutes(20));
        Assert.True(cluster.Cloud.Writes > writes, "the route was not tried again");
        Assert.Empty(cluster.Term.Statuses.Published);
        Assert.Same(before, cluster.Status(Subnet));
    });

    [Fact]
    public void While_calls_are_throttled_each_table_without_the_route_says_so() => Run(async cluster =>
    {
        cluster.Cloud.Faults = call => call.IsWrite ? new Fault(CloudErrorKind.Retry, "Throttling") : null;
        cluster.Cloud.AddEntry("vtb-1", Subnet, "i-1", Cluster.Mark.Token, Cluster.Mark.Description);
        cluster.Join(Subnet, "i-1");
        cluster.Start();
        await cluster.Time.Until(() => cluster.Status(Subnet)?.Tables is not null);
        var (has, lacks) = (Tables(cluster)[0], Tables(cluster)[1]);
        Assert.Equal((RouteState.Available, ""), (has.State, has.Code));
        Assert.Equal((RouteState.Pending, "Throttling"), (lacks.State, lacks.Code));
        Assert.NotEmpty(lacks.RequestId);
    });

    [Fact]
    public void A_table_that_refuses_IPv6_is_named_in_the_state_of_IPv6_alone() => Run(async cluster =>
    {
        cluster.Leases.Config = InMemoryLeases.ConfigFor("10.24.0.0/16", "fd00:24::/32");
        cluster.Cloud.Ipv6Refusal = entry => entry.RouteTableId == "vtb-2" ? "OperationDenied.Ipv6EntryOnCustomTable" : null;
        cluster.Join(Subnet, "i-1", ipv6: "fd00:24:0:1::/64");
        cluster.Start();
        await cluster.Time.Until(() => cluster.Ipv6(Subnet)?.Tables is [{ State: RouteState.Available }, { State: RouteState.Rejected }]);
        var refused = cluster.Ipv6(Subnet)!.Tables![1];
        Assert.Equal(("vtb-2", "OperationDenied.Ipv6EntryOnCustomTable"), (refused.Table, refused.Code));
        Assert.NotEmpty(refused.RequestId);
        Assert.Equal((RouteState.Available, null), (cluster.State(Subnet), cluster.Status(Subnet)!.Tables));
        var published = cluster.Term.Statuses.Published.Count;
        await cluster.Time.Pass(TimeSpan.FromHours(1));
        Assert.Equal(published, cluster.Term.Statuses.Published.Count);
    });

    [Fact]
    public void A_pending_table_whose_attempts_fail_for_changing_reasons_writes_no_status() => Run(async cluster =>
    {
        Fill(cluster, "vtb-2");
        var attempts = 0;
        cluster.Cloud.Faults = call => call.IsWrite && call.Subjects.Any(subject => subject.Contains("vtb-1", StringComparison.Ordinal))
            ? new Fault(CloudErrorKind.Retry, attempts++ % 2 == 0 ? "IncorrectInstanceStatus" : "OperationFailed.GetEniInfo")
            : null;
        cluster.Join(Subnet, "i-1");
        cluster.Start();
        await cluster.Time.Until(
            () => cluster.Status(Subnet)?.Tables is [{ State: RouteState.Pending, Code: not "" }, { State: RouteState.QuotaExceeded }]);
        var (published, before) = (cluster.Term.Statuses.Published.Count, attempts);
        await cluster.Time.Pass(TimeSpan.FromHours(1));
        Assert.True(attempts > before + 10, "the route was not tried again");
        Assert.Equal(published, cluster.Term.Statuses.Published.Count);
    });

    private static IReadOnlyList<TableRouteStatus> Tables(Cluster cluster) => cluster.Status(Subnet)!.Tables!;

    /// <summary>With a second table. Both serve the nodes.</summary>
    private static void Run(Func<Cluster, Task> test) => Cluster.Run(cluster =>
    {
        cluster.Cloud.AddTable("vpc-1", "vtb-2");
        return test(cluster);
    }, new RouteControllerOptions(["vtb-2"]));

    /// <summary>Fills a table with entries of another program.</summary>
    private static void Fill(Cluster cluster, string table)
    {
        cluster.Cloud.Quota = 5;
        for (var i = 0; i < cluster.Cloud.Quota; i++) cluster.Cloud.AddEntry(table, $"172.20.{i}.0/24", "i-other");
    }
}
