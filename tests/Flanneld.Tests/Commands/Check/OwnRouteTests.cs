using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Core.Tests.Leases;
using Flanneld.Commands.Check;

namespace Flanneld.Tests.Commands.Check;

public sealed class OwnRouteTests
{
    private static readonly Lease Lease = new(
        new SubnetKey(Ipv4Network.Parse("10.24.5.0/24")),
        new LeaseAttributes(Ipv4Address.Parse("192.168.1.5"), null, "ali-vpc", """{"InstanceId":"i-a","VpcId":"vpc-a"}""", null),
        new TestLeaseIdentity(1, 1), 1);

    [Theory]
    [InlineData(RouteState.Available, nameof(CheckState.Ok))]
    [InlineData(RouteState.Pending, nameof(CheckState.Warning))]
    [InlineData(RouteState.Unreachable, nameof(CheckState.Warning))]
    [InlineData(RouteState.Conflict, nameof(CheckState.Problem))]
    [InlineData(RouteState.QuotaExceeded, nameof(CheckState.Problem))]
    [InlineData(RouteState.Denied, nameof(CheckState.Problem))]
    [InlineData(RouteState.Rejected, nameof(CheckState.Problem))]
    [InlineData(RouteState.Released, nameof(CheckState.Note))]
    public void A_node_without_its_route_is_no_success(RouteState state, string expected)
    {
        var result = OwnRoute.Describe(Lease, Status("10.24.5.0/24", state), hasFallback: false);
        Assert.Equal(expected, result.State.ToString());
        Assert.Equal($"10.24.5.0/24 is {state} in vtb-a: why (request R-1)", result.Detail);
        Assert.Equal(result.State is CheckState.Warning or CheckState.Problem, result.Advice.Length > 0);
    }

    [Theory]
    [InlineData(RouteState.QuotaExceeded, nameof(CheckState.Warning))]
    [InlineData(RouteState.Available, nameof(CheckState.Ok))]
    [InlineData(RouteState.Rejected, nameof(CheckState.Problem))]
    public void A_node_that_is_reached_through_the_tunnel_is_a_warning(RouteState state, string expected) =>
        Assert.Equal(expected, OwnRoute.Describe(Lease, Status("10.24.5.0/24", state), hasFallback: true).State.ToString());

    [Fact]
    public void A_status_of_another_subnet_does_not_count()
    {
        Assert.Equal(CheckState.Warning, OwnRoute.Describe(Lease, Status("10.24.6.0/24", RouteState.Available), false).State);
        Assert.Equal(CheckState.Warning, OwnRoute.Describe(Lease, null, false).State);
    }

    private static RouteStatus Status(string subnet, RouteState state) =>
        new(subnet, "i-a", ["vtb-a"], state, "why", "R-1", DateTimeOffset.UnixEpoch);
}
