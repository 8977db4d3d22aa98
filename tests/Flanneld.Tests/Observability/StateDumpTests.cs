using Flannel.Core.Routes;
using Flannel.RouteController;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Observation;
using Flanneld.Observability;

namespace Flanneld.Tests.Observability;

public sealed class StateDumpTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 4, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Lines_begin_with_the_part_in_the_order_in_which_the_parts_were_added()
    {
        var dump = new StateDump();
        dump.Add("node", () => ["one", "two"]);
        dump.Add("etcd", () => ["three"]);
        Assert.Equal(["node: one", "node: two", "etcd: three"], dump.Compose());
    }

    [Fact]
    public void The_route_controller_names_tables_passes_deadlines_and_nodes_without_a_route()
    {
        var snapshot = new ControllerSnapshot(
            [Status("10.24.1.0/24", RouteState.Available, ""), Status("10.24.2.0/24", RouteState.QuotaExceeded, "the table is full")], [],
            [new TableUsage("vtb-1", "vpc-1", 12, 200)], Noon, WriteCounts.None)
        {
            Passes =
            [
                new VpcPass(
                    "vpc-1", Noon, "keep 1, create 1", "the API throttles", Noon.AddSeconds(30), [new PendingDeadline("Route", Noon)]),
            ],
        };
        Assert.Equal(
            [
                "this process is the route controller: nodes 2 (Available 1, QuotaExceeded 1), conflicts 0, held deletions 0,"
                + " last complete pass 2026-03-04T12:00:00Z",
                "vpc-1 table vtb-1: 12 of 200 custom entries",
                "vpc-1: last pass 2026-03-04T12:00:00Z, plan keep 1, create 1, failing: the API throttles, next pass 2026-03-04T12:00:30Z,"
                + " deadlines Route 2026-03-04T12:00:00Z",
                "route of 10.24.2.0/24: QuotaExceeded: the table is full",
            ], ControllerStatus.Describe(snapshot));
    }

    [Fact]
    public void Another_process_says_that_it_is_not_the_route_controller() =>
        Assert.Equal(["this process is not the route controller"], ControllerStatus.Describe(null));

    private static RouteStatus Status(string subnet, RouteState state, string message) =>
        new(subnet, "i-1", ["vtb-1"], state, message, "", Noon);
}
