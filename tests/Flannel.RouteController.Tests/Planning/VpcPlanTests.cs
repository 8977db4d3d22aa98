using Flannel.Core.Addresses;
using Flannel.RouteController.Planning;
using static Flannel.RouteController.Tests.Support.Plans;

namespace Flannel.RouteController.Tests.Planning;

public sealed class VpcPlanTests
{
    private static readonly DesiredVpcState State = new(
        new VpcId("cn-hangzhou", "vpc-1"), Network, [Desired("10.24.5.0/24")], [], [Desired("10.24.6.0/24", "i-6")],
        [Ipv4Network.Parse("10.24.9.0/24")], IsComplete: true)
    {
        Ended = [new EndedLease(new VpcId("cn-hangzhou", "vpc-1"), Ipv4Network.Parse("10.99.0.0/24"), "i-9", At: 1)],
    };

    [Fact]
    public void Each_table_has_a_plan_with_the_desired_released_ended_and_excluded_subnets()
    {
        var plan = VpcPlan.For(
            new VpcObservation(State,
            [
                new ObservedTable("vtb-1", ServesNodes: true, HasError: false,
                    [
                        Entry("10.24.6.0/24", "i-6"), Entry("10.24.9.0/24", "i-8", "ours"), Entry("10.99.0.0/24", "i-9", "ours"),
                        Entry("10.98.0.0/24", "i-9", "ours"),
                    ],
                    new HashSet<string>()),
                new ObservedTable(
                    "vtb-2", ServesNodes: false, HasError: false, [Entry("10.24.5.0/24", "i-2", "ours")], new HashSet<string>()),
            ]),
            Ours);
        Assert.Equal(["vtb-1", "vtb-2"], plan.TableIds);
        Assert.Equal("Create 10.24.5.0/24 | Delete 10.24.6.0/24 | Delete 10.99.0.0/24", Text(plan.Tables[0].Actions));
        Assert.Equal("Update 10.24.5.0/24", Text(plan.Tables[1].Actions));
        Assert.Equal(4, plan.Actions.Count());
    }

    [Fact]
    public void Entries_that_are_to_be_reclaimed_are_marked()
    {
        var entry = Entry("10.24.5.0/24", mark: "theirs");
        entry = entry with { Description = Theirs.DescriptionFor(entry with { Name = Ours.Token, Description = Ours.Description }) };
        Assert.Equal("Keep 10.24.5.0/24", Text(Plan([]).Actions));
        Assert.Equal("Mark 10.24.5.0/24", Text(Plan([entry.RouteEntryId]).Actions));

        VpcPlan Plan(HashSet<string> reclaimed) => VpcPlan.For(
            new VpcObservation(State with { Released = [] }, [new ObservedTable("vtb-1", true, false, [entry], reclaimed)]), Ours);
    }

    [Fact]
    public void Actions_of_a_table_whose_last_read_failed_are_not_executable()
    {
        var plan = VpcPlan.For(
            new VpcObservation(State, [Table("vtb-1", hasError: false), Table("vtb-2", hasError: true)]), Ours);
        Assert.Equal(2, plan.Actions.Count());
        Assert.Equal("vtb-1", Assert.Single(plan.ExecutableActions).RouteTableId);
        Assert.True(plan.HasRead([]));
        Assert.True(plan.HasRead(["vtb-1"]));
        Assert.False(plan.HasRead(["vtb-2"]));
        Assert.False(plan.HasRead(["vtb-1", "vtb-2"]));
        Assert.False(plan.HasRead(["vtb-1", "vtb-3"]));

        static ObservedTable Table(string id, bool hasError) => new(id, ServesNodes: true, hasError, [], new HashSet<string>());
    }
}
