using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;
using Flanneld.Observability;
using Flanneld.Observability.Prometheus;

namespace Flanneld.Tests.Observability;

public sealed class ControllerMetricsTests
{
    [Fact]
    public void The_metrics_have_the_values_of_the_controllers_report()
    {
        var report = new ControllerSnapshot(
            [Node("10.24.1.0/24", RouteState.Available), Node("10.24.2.0/24", RouteState.Available),
                Node("10.24.3.0/24", RouteState.Conflict)],
            [
                Entry("vtb-1", "rte-1", ConflictKind.Unmanaged, null), Entry("vtb-1", "rte-2", ConflictKind.OtherCluster, "flannel-a"),
                Entry("vtb-1", "rte-3", ConflictKind.Occupied, "flannel-a"), Entry("vtb-1", "rte-3", ConflictKind.Wider, "flannel-a"),
            ],
            [new TableUsage("vtb-1", "vpc-1", 160, 200)], DateTimeOffset.FromUnixTimeMilliseconds(1_500),
            new WriteCounts(11, 12, 13, 20, 4))
        {
            HeldDeletions = 7,
            Subnets = new SubnetUsage(255, 3, 252),
            Ipv6Nodes = [Node("fd00:24:0:1::/64", RouteState.Rejected)],
        };
        string[] expected =
        [
            "flannel_routes{state=\"Available\"} 2", "flannel_routes{state=\"Conflict\"} 1", "flannel_routes{state=\"Pending\"} 0",
            "flannel_ipv6_routes{state=\"Rejected\"} 1", "flannel_ipv6_routes{state=\"Available\"} 0",
            "flannel_subnets 255", "flannel_subnets_leased 3", "flannel_subnets_free 252",
            "flannel_unmanaged_routes 1", "flannel_other_cluster_routes 2", "flannel_route_deletions_held 7",
            "flannel_conflicting_routes{kind=\"occupied\"} 1", "flannel_conflicting_routes{kind=\"narrower\"} 0",
            "flannel_conflicting_routes{kind=\"wider\"} 1",
            "flannel_route_table_entries{table=\"vtb-1\",vpc=\"vpc-1\"} 160",
            "flannel_route_table_entries_limit{table=\"vtb-1\",vpc=\"vpc-1\"} 200",
            "flannel_last_successful_reconcile_timestamp_seconds 1.5",
        ];
        var lines = Compose(report);
        Assert.All(expected, line => Assert.Contains(line, lines));
        Assert.DoesNotContain(Compose(report with { Ipv6Nodes = [] }), line => line.Contains("flannel_ipv6", StringComparison.Ordinal));
    }

    [Fact]
    public void Passes_and_terms_are_counted_for_the_life_of_the_process()
    {
        var metrics = new ControllerMetrics();
        var writes = new WriteCounts(11, 12, 13, 20, 4) { Repaired = 2 };
        metrics.PassEnded(new ReconcilePass(TimeSpan.FromMilliseconds(70), HasFailed: false, writes));
        metrics.PassEnded(new ReconcilePass(TimeSpan.FromSeconds(90), HasFailed: true, WriteCounts.None));
        metrics.Begin(null!, DateTimeOffset.UnixEpoch);
        metrics.End(TermEnd.Lost);
        metrics.Begin(null!, DateTimeOffset.UnixEpoch);
        metrics.End(TermEnd.Resigned);
        string[] expected =
        [
            "flannel_route_controller 0",
            "flannel_election_events_total{event=\"elected\"} 2", "flannel_election_events_total{event=\"lost\"} 1",
            "flannel_election_events_total{event=\"resigned\"} 1",
            "flannel_reconcile_passes_total{result=\"success\"} 1", "flannel_reconcile_passes_total{result=\"failure\"} 1",
            "flannel_reconcile_duration_seconds_bucket{le=\"0.05\"} 0", "flannel_reconcile_duration_seconds_bucket{le=\"0.1\"} 1",
            "flannel_reconcile_duration_seconds_bucket{le=\"60\"} 1", "flannel_reconcile_duration_seconds_bucket{le=\"+Inf\"} 2",
            "flannel_reconcile_duration_seconds_sum 90.07", "flannel_reconcile_duration_seconds_count 2",
            "flannel_route_writes_total{kind=\"created\"} 11", "flannel_route_writes_total{kind=\"updated\"} 12",
            "flannel_route_writes_total{kind=\"deleted\"} 13", "flannel_route_repairs_total 2",
            "flannel_route_write_calls_total{result=\"success\"} 16", "flannel_route_write_calls_total{result=\"failure\"} 4",
        ];
        var text = new MetricText();
        metrics.AppendTo(text);
        var lines = text.ToString().Split('\n');
        Assert.All(expected, line => Assert.Contains(line, lines));
        Assert.DoesNotContain(lines, line => line.StartsWith("flannel_routes", StringComparison.Ordinal));
    }

    private static string[] Compose(ControllerSnapshot snapshot)
    {
        var text = new MetricText();
        ControllerMetrics.Append(text, snapshot);
        return text.ToString().Split('\n');
    }

    private static RouteStatus Node(string subnet, RouteState state) => new(subnet, "i-1", ["vtb-1"], state, "", "", default);

    private static RouteConflict Entry(string table, string id, ConflictKind kind, string? cluster) =>
        new(table, id, "10.24.9.0/24", kind, "", cluster);
}
