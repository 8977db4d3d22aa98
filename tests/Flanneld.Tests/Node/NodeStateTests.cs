using System.Text;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Core.Tests.Leases;
using Flanneld.Node;

namespace Flanneld.Tests.Node;

public sealed class NodeStateTests
{
    private const string Instance = "i-1";
    private static readonly NetworkConfig Config = Parse("""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}""");
    private static readonly Lease First = Lease(holding: 7, created: 10);
    private static readonly LeaseEvent NoStatus = new LeaseEvent.RouteStatusChanged(null);
    private static readonly LeaseEvent Available = Route(RouteState.Available);
    private static readonly LeaseEvent Narrowed = Changed("""{"Network":"10.99.0.0/16","Backend":{"Type":"ali-vpc"}}""");
    private static readonly LeaseEvent Deleted = new LeaseEvent.ConfigChanged(new ConfigState.Missing());

    [Fact]
    public void Until_the_route_status_is_read_the_use_is_undecided()
    {
        Assert.Equal(SubnetUse.Undecided, After().Use);
        Assert.Equal(SubnetUse.Undecided, After(new LeaseEvent.Unavailable("no answer")).Use);
        Assert.Equal(SubnetUse.Undecided, After(new LeaseEvent.Unavailable("no answer"), new LeaseEvent.Confirmed(First)).Use);
        Assert.Equal(SubnetUse.Forbidden, After(new LeaseEvent.Unavailable("no answer"), new LeaseEvent.Expired()).Use);
    }

    [Fact]
    public void A_backend_without_routes_may_use_the_subnet_as_long_as_the_lease_is_held()
    {
        var state = Acquired(null);
        Assert.Equal(SubnetUse.Allowed, state.Use);
        Assert.Equal(SubnetUse.Allowed, state.With(NoStatus).Use);
        Assert.Equal(SubnetUse.Forbidden, state.With(new LeaseEvent.Expired()).Use);
        Assert.Equal(SubnetUse.Forbidden, state.With(new LeaseEvent.Lost(LeaseLoss.Deleted, "its key was deleted")).Use);
    }

    public static TheoryData<RouteState> RouteStates => [.. Enum.GetValues<RouteState>()];

    [Theory]
    [MemberData(nameof(RouteStates))]
    public void The_last_status_of_the_holding_decides_and_only_an_available_route_allows_the_use(RouteState state)
    {
        var use = After(new LeaseEvent.Confirmed(First), Available, Route(state)).Use;
        Assert.Equal(state == RouteState.Available ? SubnetUse.Allowed : SubnetUse.Forbidden, use);
    }

    [Fact]
    public void A_route_status_from_before_an_expiry_does_not_count_after_it_even_for_the_same_lease()
    {
        var expired = After(new LeaseEvent.Confirmed(First), Available, new LeaseEvent.Expired());
        foreach (var back in new[] { First, Lease(holding: 8, created: 30) })
        {
            var confirmed = expired.With(new LeaseEvent.Confirmed(back));
            Assert.Equal(SubnetUse.Undecided, confirmed.Use);
            Assert.Equal(SubnetUse.Forbidden, confirmed.With(NoStatus).Use);
            Assert.Equal(SubnetUse.Forbidden, confirmed.With(Route(RouteState.Pending)).Use);
            Assert.Equal(SubnetUse.Allowed, confirmed.With(Available).Use);
        }
    }

    [Theory]
    [InlineData(8, 30)]
    [InlineData(8, 10)]
    [InlineData(7, 30)]
    public void A_lease_taken_back_without_a_gap_keeps_a_correct_file_and_waits_for_a_new_status(
        long holding, long created)
    {
        var back = After(new LeaseEvent.Confirmed(First), Available, new LeaseEvent.Confirmed(Lease(holding, created)));
        foreach (var unpublished in new[] { back, back.With(NoStatus), back.With(Route(RouteState.Pending)) })
        {
            Assert.Null(unpublished.Route is { State: RouteState.Available } available ? available : null);
            Assert.Equal(SubnetUse.Undecided, unpublished.Use);
            Assert.Equal(SubnetUse.Forbidden, unpublished.With(Route(RouteState.Conflict)).Use);
        }

        var published = back.With(Available);
        Assert.Equal(SubnetUse.Allowed, published.Use);
        Assert.Equal(SubnetUse.Forbidden, published.With(Route(RouteState.Pending)).Use);
    }

    /// <summary>Such as an etcd that was replaced and then restored, or first restored from the wrong snapshot.</summary>
    [Fact]
    public void A_lease_taken_back_twice_before_a_new_status_keeps_a_correct_file_too()
    {
        var takenBack = new LeaseEvent.Confirmed(Lease(holding: 8, created: 30));
        var again = new LeaseEvent.Confirmed(Lease(holding: 9, created: 20));
        var twice = After(new LeaseEvent.Confirmed(First), Available, takenBack, NoStatus, again, NoStatus);
        Assert.Equal(SubnetUse.Undecided, twice.Use);
        Assert.Equal(SubnetUse.Allowed, twice.With(Available).Use);
        Assert.Equal(SubnetUse.Forbidden, twice.With(Route(RouteState.Conflict)).Use);
        Assert.Equal(SubnetUse.Allowed, twice.With(Narrowed).Use);
    }

    /// <summary>After a restart with IPv6 enabled, disabled or with another range: the IPv4 subnet and its route are the same, and the new
    /// key has no status until the route controller writes it, which may be unavailable.</summary>
    [Fact]
    public void A_lease_whose_key_was_replaced_keeps_a_correct_file_and_waits_for_a_new_status()
    {
        var acquired = new NodeEvent.Acquired(First, Config, TimeSpan.FromHours(24), Instance) { IsContinued = true };
        var state = NodeTransitions.Apply(NodeState.Initial, acquired, default).With(new LeaseEvent.Confirmed(First));
        foreach (var unpublished in new[] { state, state.With(NoStatus), state.With(Route(RouteState.Pending)) })
        {
            Assert.Equal(SubnetUse.Undecided, unpublished.Use);
            Assert.Equal(SubnetUse.Forbidden, unpublished.With(Route(RouteState.Conflict)).Use);
        }

        Assert.Equal(SubnetUse.Allowed, state.With(Available).Use);
        Assert.Equal(SubnetUse.Forbidden, state.With(Available).With(Route(RouteState.Pending)).Use);
    }

    [Fact]
    public void A_reconnection_changes_nothing()
    {
        var confirmed = new LeaseEvent.Confirmed(First);
        var state = After(confirmed, Available, new LeaseEvent.Unavailable("no answer"), confirmed);
        Assert.Equal(SubnetUse.Allowed, state.Use);
    }

    [Theory]
    [InlineData(RouteState.Rejected)]
    [InlineData(RouteState.Conflict)]
    [InlineData(null)]
    public void A_status_that_only_a_new_configuration_causes_does_not_count_for_a_running_node(RouteState? reported)
    {
        var change = reported is { } state ? Route(state) : NoStatus;
        var running = After(new LeaseEvent.Confirmed(First), Available, Narrowed);
        Assert.Equal(SubnetUse.Allowed, running.With(change).Use);
        Assert.Equal(SubnetUse.Allowed, After(new LeaseEvent.Confirmed(First), Available, Deleted, change).Use);
        // The old configuration again: then it counts.
        var again = new LeaseEvent.ConfigChanged(new ConfigState.Present(Config, 30));
        Assert.Equal(SubnetUse.Forbidden, running.With(change).With(again).Use);
        // A node that never had a route waits for it.
        Assert.Equal(SubnetUse.Forbidden, After(new LeaseEvent.Confirmed(First), Narrowed, change).Use);
    }

    [Theory]
    [InlineData(RouteState.Pending)]
    [InlineData(RouteState.QuotaExceeded)]
    [InlineData(RouteState.Denied)]
    public void A_route_that_cannot_be_restored_counts_under_a_new_configuration_too(RouteState state) =>
        Assert.Equal(SubnetUse.Forbidden, After(new LeaseEvent.Confirmed(First), Available, Narrowed, Route(state)).Use);

    [Fact]
    public void A_new_configuration_does_not_allow_a_holding_whose_route_was_never_available()
    {
        var takenBack = new LeaseEvent.Confirmed(Lease(holding: 8, created: 30));
        var waiting = After(new LeaseEvent.Confirmed(First), Available, Route(RouteState.Pending), takenBack, NoStatus);
        Assert.Equal(SubnetUse.Forbidden, waiting.Use);
        Assert.Equal(SubnetUse.Forbidden, waiting.With(Narrowed).Use);
        Assert.Equal(SubnetUse.Allowed, waiting.With(Narrowed).With(Available).Use);
    }

    [Fact]
    public void A_configuration_that_is_written_again_without_a_change_counts_as_the_same()
    {
        var state = After(Changed("""{"Backend":{"Type":"ali-vpc"},"Network":"10.24.0.0/16"}"""));
        Assert.False(state.IsConfigChanged);
    }

    [Theory]
    [InlineData(RouteState.QuotaExceeded)]
    [InlineData(RouteState.Conflict)]
    [InlineData(RouteState.Denied)]
    public void With_a_fallback_a_route_that_cannot_be_created_allows_the_use_until_the_lease_ends(RouteState state)
    {
        var confirmed = new LeaseEvent.Confirmed(First);
        Assert.Equal(SubnetUse.Undecided, WithFallback(confirmed).Use);
        Assert.Equal(SubnetUse.Forbidden, WithFallback(confirmed, Route(RouteState.Pending)).Use);
        var fallback = WithFallback(confirmed, Route(state));
        LeaseEvent[] kept = [Route(RouteState.Pending), Route(RouteState.Rejected), Route(RouteState.Unreachable), NoStatus, Available];
        foreach (var change in kept)
            Assert.Equal(SubnetUse.Allowed, fallback.With(change).Use);
        Assert.Equal(SubnetUse.Forbidden, fallback.With(Available).With(Route(RouteState.Pending)).Use);
        // Taken back without a gap.
        var back = new LeaseEvent.Confirmed(Lease(holding: 8, created: 30));
        Assert.Equal(SubnetUse.Allowed, fallback.With(back).With(NoStatus).Use);
        // After a gap.
        var expired = fallback.With(new LeaseEvent.Expired());
        Assert.Equal(SubnetUse.Forbidden, expired.Use);
        Assert.Equal(SubnetUse.Undecided, expired.With(back).Use);
        Assert.Equal(SubnetUse.Forbidden, expired.With(back).With(NoStatus).Use);
        Assert.Equal(SubnetUse.Forbidden, fallback.With(new LeaseEvent.Lost(LeaseLoss.Deleted, "its key was deleted")).Use);
    }

    [Fact]
    public void A_status_of_another_instance_does_not_begin_the_fallback()
    {
        var other = new LeaseEvent.RouteStatusChanged(
            new RouteStatus("10.24.5.0/24", "i-2", ["vtb-1"], RouteState.QuotaExceeded, "", "", default));
        Assert.Equal(SubnetUse.Forbidden, WithFallback(new LeaseEvent.Confirmed(First), other).Use);
    }

    private static NodeState WithFallback(params LeaseEvent[] events) =>
        events.Aggregate(Acquired(Instance) with { HasFallback = true }, (state, change) => state.With(change));

    private static NodeState After(params LeaseEvent[] events) =>
        events.Aggregate(Acquired(Instance), (state, change) => state.With(change));

    private static NodeState Acquired(string? instanceId) => NodeTransitions.Apply(
        NodeState.Initial, new NodeEvent.Acquired(First, Config, TimeSpan.FromHours(24), instanceId), default);

    private static LeaseEvent.RouteStatusChanged Route(RouteState state) =>
        new(new RouteStatus("10.24.5.0/24", Instance, ["vtb-1"], state, "", "", default));

    private static LeaseEvent.ConfigChanged Changed(string config) => new(new ConfigState.Present(Parse(config), 20));

    private static Lease Lease(long holding, long created)
    {
        var attributes = new LeaseAttributes(Ipv4Address.Parse("192.168.1.11"), null, "ali-vpc", null, null);
        return new Lease(new SubnetKey(Ipv4Network.Parse("10.24.5.0/24")), attributes, new TestLeaseIdentity(created, holding), created);
    }

    private static NetworkConfig Parse(string json) => NetworkConfigParser.Parse(Encoding.UTF8.GetBytes(json)).Value;
}

file static class Transition
{
    public static NodeState With(this NodeState state, LeaseEvent change) =>
        NodeTransitions.Apply(state, new NodeEvent.LeaseChanged(change), default);
}
