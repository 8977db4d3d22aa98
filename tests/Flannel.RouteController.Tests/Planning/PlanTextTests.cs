using Flannel.AliCloud.Vpc;
using Flannel.RouteController.Planning;
using static Flannel.RouteController.Tests.Support.Plans;

namespace Flannel.RouteController.Tests.Planning;

public sealed class PlanTextTests
{
    private static readonly DesiredRoute[] Nodes =
        [Desired("10.24.5.0/24"), Desired("10.24.6.0/24", "i-6"), Desired("10.24.7.0/24", "i-7")];

    [Fact]
    public void A_line_has_the_number_of_kept_routes_and_every_other_action()
    {
        var line = Assert.Single(PlanText.LinesOf(
            Plan(Entry("10.24.5.0/24", "i-1", "ours"), Entry("10.24.6.0/24", "i-2", "ours"), Entry("10.24.8.0/24", "i-8", "ours"),
                Entry("10.24.9.0/24", "i-9")),
            action => action is RouteAction.Delete ? "no evidence yet" : null));
        Assert.Equal(
            "table vtb-1: keep 1, update 10.24.6.0/24 -> Instance i-2 => Instance i-6, create 10.24.7.0/24 -> Instance i-7,"
            + " delete rte-10.24.8.0/24-i-8 of 10.24.8.0/24 (stale),"
            + " conflict 10.24.9.0/24 -> Instance i-9 Unmanaged rte-10.24.9.0/24-i-9;"
            + " held back: delete 10.24.8.0/24 (no evidence yet)",
            line);
    }

    [Fact]
    public void A_table_without_changes_has_no_line_and_its_routes_are_counted()
    {
        var plan = Plan(Entry("10.24.5.0/24", "i-1", "ours"), Entry("10.24.6.0/24", "i-6", "ours"), Entry("10.24.7.0/24", "i-7", "ours"));
        Assert.Empty(PlanText.LinesOf(plan, _ => null));
        Assert.Equal("keep 3", PlanText.CountsOf(plan.Actions));
        Assert.Equal("no routes", PlanText.CountsOf([]));
    }

    [Fact]
    public void A_long_list_is_cut_and_says_how_many_are_missing()
    {
        var entries = Enumerable.Range(100, 30).Select(i => Entry($"10.24.{i}.0/24", "i-9", "ours")).ToArray();
        var line = Assert.Single(PlanText.LinesOf(Plan(entries), _ => null));
        Assert.Contains("10.24.119.0/24 (stale) and 10 more", line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_table_that_cannot_be_read_says_so()
    {
        var plan = VpcPlan.For(
            new VpcObservation(State(), [new ObservedTable("vtb-1", true, HasError: true, [], new HashSet<string>())]), Ours);
        Assert.EndsWith(
            "; the table cannot be read, nothing is written to it", Assert.Single(PlanText.LinesOf(plan, _ => null)),
            StringComparison.Ordinal);
    }

    private static VpcPlan Plan(params RouteEntry[] entries) => VpcPlan.For(
        new VpcObservation(State(), [new ObservedTable("vtb-1", true, false, entries, new HashSet<string>())]), Ours);

    private static DesiredVpcState State() =>
        new(new VpcId("cn-hangzhou", "vpc-1"), Network, [.. Nodes], [], [], [], IsComplete: true);
}
