using Flannel.Core.Routes;
using Flannel.RouteController;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;
using Flanneld.Observability;

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
            Ipv6Nodes = [Node("fd00:24:0:1::/64", RouteState.Rejected)],
        };
        string[] expected =
        [
            "flannel_routes{state=\"Available\"} 2", "flannel_routes{state=\"Conflict\"} 1", "flannel_routes{state=\"Pending\"} 0",
            "flannel_ipv6_routes{state=\"Rejected\"} 1", "flannel_ipv6_routes{state=\"Available\"} 0",
            "flannel_foreign_routes 4", "flannel_other_cluster_routes 2", "flannel_route_deletions_held 7",
            "flannel_route_table_entries{table=\"vtb-1\",vpc=\"vpc-1\"} 160",
            "flannel_route_table_entries_limit{table=\"vtb-1\",vpc=\"vpc-1\"} 200",
            "flannel_last_successful_reconcile_timestamp_seconds 1.5",
            "flannel_route_writes_total{kind=\"created\"} 11", "flannel_route_writes_total{kind=\"repointed\"} 12",
            "flannel_route_writes_total{kind=\"deleted\"} 13",
            "flannel_route_write_calls_total{result=\"ok\"} 16", "flannel_route_write_calls_total{result=\"failed\"} 4",
        ];
        var lines = ControllerMetrics.Compose(report).Split('\n');
        Assert.All(expected, line => Assert.Contains(line, lines));
        Assert.DoesNotContain("flannel_ipv6", ControllerMetrics.Compose(report with { Ipv6Nodes = [] }), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_controller_there_are_no_metrics() => Assert.Equal("", new ControllerMetrics().Compose());

    private static RouteStatus Node(string subnet, RouteState state) => new(subnet, "i-1", ["vtb-1"], state, "", "", default);

    private static RouteConflict Entry(string table, string id, ConflictKind kind, string? cluster) =>
        new(table, id, "10.24.9.0/24", kind, "", cluster);
}
