using System.Text;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Registry;
using Flanneld.Node;

namespace Flanneld.Tests.Node;

public sealed class NodeStateTests
{
    private const string Instance = "i-1";
    private static readonly NetworkConfig Config = Parse("""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}""");
    private static readonly Lease First = Lease(etcdLease: 7, createRevision: 10);
    private static readonly LeaseEvent NoStatus = new LeaseEvent.RouteStatusChanged(null);
    private static readonly LeaseEvent Available = Route(RouteState.Available);
    private static readonly LeaseEvent Narrowed = Changed("""{"Network":"10.99.0.0/16","Backend":{"Type":"ali-vpc"}}""");
    private static readonly LeaseEvent Deleted = new LeaseEvent.ConfigChanged(new ConfigState.Missing());

    [Fact]
    public void While_the_state_of_the_route_is_not_known_the_use_is_undecided_whatever_etcd_does()
    {
        Assert.Equal(SubnetUse.Undecided, After().Use);
        Assert.Equal(SubnetUse.Undecided, After(new LeaseEvent.Unreachable("no answer")).Use);
        Assert.Equal(SubnetUse.Undecided, After(new LeaseEvent.Unreachable("no answer"), new LeaseEvent.Confirmed(First)).Use);
        Assert.Equal(SubnetUse.Forbidden, After(new LeaseEvent.Unreachable("no answer"), new LeaseEvent.Expired()).Use);
    }

    [Fact]
    public void A_backend_without_routes_may_use_the_subnet_as_long_as_the_lease_is_held()
    {
        var state = new NodeState(First, null);
        Assert.Equal(SubnetUse.Allowed, state.Use);
        Assert.Equal(SubnetUse.Allowed, state.Apply(NoStatus, Config).Use);
        Assert.Equal(SubnetUse.Forbidden, state.Apply(new LeaseEvent.Expired(), Config).Use);
        Assert.Equal(SubnetUse.Forbidden, state.Apply(new LeaseEvent.Lost(LeaseLoss.Deleted, "its key was deleted"), Config).Use);
    }

    [Theory]
    [InlineData(RouteState.Available, "Allowed")]
    [InlineData(RouteState.Pending, "Forbidden")]
    [InlineData(RouteState.Conflict, "Forbidden")]
    [InlineData(RouteState.QuotaExceeded, "Forbidden")]
    [InlineData(RouteState.Denied, "Forbidden")]
    [InlineData(RouteState.Rejected, "Forbidden")]
    [InlineData(RouteState.Unreachable, "Forbidden")]
    [InlineData(RouteState.Released, "Forbidden")]
    public void The_last_status_of_the_holding_decides(RouteState state, string use) =>
        Assert.Equal(use, After(new LeaseEvent.Confirmed(First), Available, Route(state)).Use.ToString());

    [Fact]
    public void A_status_from_before_an_expiry_does_not_count_after_it_even_if_the_very_lease_is_back()
    {
        var expired = After(new LeaseEvent.Confirmed(First), Available, new LeaseEvent.Expired());
        foreach (var back in new[] { First, Lease(etcdLease: 8, createRevision: 30) })
        {
            var confirmed = expired.Apply(new LeaseEvent.Confirmed(back), Config);
            Assert.Equal(SubnetUse.Undecided, confirmed.Use);
            Assert.Equal(SubnetUse.Forbidden, confirmed.Apply(NoStatus, Config).Use);
            Assert.Equal(SubnetUse.Forbidden, confirmed.Apply(Route(RouteState.Pending), Config).Use);
            Assert.Equal(SubnetUse.Allowed, confirmed.Apply(Available, Config).Use);
        }
    }

    [Theory]
    [InlineData(8, 30)]
    [InlineData(8, 10)]
    [InlineData(7, 30)]
    public void A_lease_taken_back_without_a_gap_keeps_a_correct_file_and_is_not_available_until_the_controller_says_so(
        long etcdLease, long createRevision)
    {
        var back = After(new LeaseEvent.Confirmed(First), Available, new LeaseEvent.Confirmed(Lease(etcdLease, createRevision)));
        foreach (var unjudged in new[] { back, back.Apply(NoStatus, Config), back.Apply(Route(RouteState.Pending), Config) })
        {
            Assert.Null(unjudged.Route is { State: RouteState.Available } available ? available : null);
            Assert.Equal(SubnetUse.Undecided, unjudged.Use);
            Assert.Equal(SubnetUse.Forbidden, unjudged.Apply(Route(RouteState.Conflict), Config).Use);
        }

        var judged = back.Apply(Available, Config);
        Assert.Equal(SubnetUse.Allowed, judged.Use);
        Assert.Equal(SubnetUse.Forbidden, judged.Apply(Route(RouteState.Pending), Config).Use);
    }

    /// <summary>Such as an etcd that was begun anew and then restored, or restored from the wrong snapshot first.</summary>
    [Fact]
    public void A_lease_taken_back_a_second_time_before_the_controller_has_judged_keeps_a_correct_file_too()
    {
        var takenBack = new LeaseEvent.Confirmed(Lease(etcdLease: 8, createRevision: 30));
        var again = new LeaseEvent.Confirmed(Lease(etcdLease: 9, createRevision: 20));
        var twice = After(new LeaseEvent.Confirmed(First), Available, takenBack, NoStatus, again, NoStatus);
        Assert.Equal(SubnetUse.Undecided, twice.Use);
        Assert.Equal(SubnetUse.Allowed, twice.Apply(Available, Config).Use);
        Assert.Equal(SubnetUse.Forbidden, twice.Apply(Route(RouteState.Conflict), Config).Use);
        Assert.Equal(SubnetUse.Allowed, twice.Apply(Narrowed, Config).Use);
    }

    [Fact]
    public void A_connection_that_broke_and_came_back_changes_nothing()
    {
        var confirmed = new LeaseEvent.Confirmed(First);
        var state = After(confirmed, Available, new LeaseEvent.Unreachable("no answer"), confirmed);
        Assert.Equal(SubnetUse.Allowed, state.Use);
    }

    [Theory]
    [InlineData(RouteState.Rejected)]
    [InlineData(RouteState.Conflict)]
    [InlineData(null)]
    public void What_a_new_configuration_alone_brings_about_does_not_count_for_a_node_that_runs(RouteState? judged)
    {
        var news = judged is { } state ? Route(state) : NoStatus;
        var running = After(new LeaseEvent.Confirmed(First), Available, Narrowed);
        Assert.Equal(SubnetUse.Allowed, running.Apply(news, Config).Use);
        Assert.Equal(SubnetUse.Allowed, After(new LeaseEvent.Confirmed(First), Available, Deleted, news).Use);
        // The old configuration again: then it counts.
        var again = new LeaseEvent.ConfigChanged(new ConfigState.Present(Config, 30));
        Assert.Equal(SubnetUse.Forbidden, running.Apply(news, Config).Apply(again, Config).Use);
        // A node that never had a route waits for it.
        Assert.Equal(SubnetUse.Forbidden, After(new LeaseEvent.Confirmed(First), Narrowed, news).Use);
    }

    [Theory]
    [InlineData(RouteState.Pending)]
    [InlineData(RouteState.QuotaExceeded)]
    [InlineData(RouteState.Denied)]
    public void A_route_that_a_controller_tries_in_vain_to_restore_counts_under_a_new_configuration_too(RouteState state) =>
        Assert.Equal(SubnetUse.Forbidden, After(new LeaseEvent.Confirmed(First), Available, Narrowed, Route(state)).Use);

    [Fact]
    public void A_new_configuration_does_not_allow_a_holding_whose_route_was_never_available()
    {
        var takenBack = new LeaseEvent.Confirmed(Lease(etcdLease: 8, createRevision: 30));
        var waiting = After(new LeaseEvent.Confirmed(First), Available, Route(RouteState.Pending), takenBack, NoStatus);
        Assert.Equal(SubnetUse.Forbidden, waiting.Use);
        Assert.Equal(SubnetUse.Forbidden, waiting.Apply(Narrowed, Config).Use);
        Assert.Equal(SubnetUse.Allowed, waiting.Apply(Narrowed, Config).Apply(Available, Config).Use);
    }

    [Fact]
    public void Written_again_without_a_change_the_configuration_counts_as_the_same()
    {
        var state = After(Changed("""{"Backend":{"Type":"ali-vpc"},"Network":"10.24.0.0/16"}"""));
        Assert.False(state.IsConfigChanged);
    }

    private static NodeState After(params LeaseEvent[] events) =>
        events.Aggregate(new NodeState(First, Instance), (state, news) => state.Apply(news, Config));

    private static LeaseEvent.RouteStatusChanged Route(RouteState state) =>
        new(new RouteStatus("10.24.5.0/24", Instance, ["vtb-1"], state, "", "", default));

    private static LeaseEvent.ConfigChanged Changed(string config) => new(new ConfigState.Present(Parse(config), 20));

    private static Lease Lease(long etcdLease, long createRevision)
    {
        var attributes = new LeaseAttributes(Ipv4Address.Parse("192.168.1.11"), null, "ali-vpc", null, null);
        return new Lease(new SubnetKey(Ipv4Network.Parse("10.24.5.0/24")), attributes, etcdLease, createRevision, createRevision);
    }

    private static NetworkConfig Parse(string json) => NetworkConfigParser.Parse(Encoding.UTF8.GetBytes(json)).Config!;
}
