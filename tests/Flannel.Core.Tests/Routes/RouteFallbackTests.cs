using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Core.Tests.Leases;

namespace Flannel.Core.Tests.Routes;

public sealed class RouteFallbackTests
{
    private static readonly LeaseAttributes Attributes =
        new(Ipv4Address.Parse("192.168.1.11"), null, "ali-vpc", """{"InstanceId":"i-1","VpcId":"vpc-1"}""", null);

    private static readonly Lease Node =
        new(new SubnetKey(Ipv4Network.Parse("10.24.5.0/24")), Attributes, new TestLeaseIdentity(10, 7), 12);

    [Theory]
    [InlineData(RouteState.QuotaExceeded, true, true)]
    [InlineData(RouteState.Conflict, true, true)]
    [InlineData(RouteState.Denied, true, true)]
    [InlineData(RouteState.Available, false, false)]
    [InlineData(RouteState.Pending, false, true)]
    [InlineData(RouteState.Rejected, false, true)]
    [InlineData(RouteState.Unreachable, false, true)]
    [InlineData(RouteState.Released, false, true)]
    public void Each_state_begins_ends_or_keeps_the_fallback(RouteState state, bool afterRoute, bool afterFallback)
    {
        var status = Status(state);
        Assert.Equal((afterRoute, afterFallback), (RouteFallback.Next(false, status), RouteFallback.Next(true, status)));
    }

    [Fact]
    public void The_absence_of_a_status_keeps_the_last_decision()
    {
        Assert.False(RouteFallback.Next(false, null));
        Assert.True(RouteFallback.Next(true, null));
    }

    [Theory]
    [InlineData("10.24.5.0/24", "i-1", 7, 11, true)]
    [InlineData("10.24.5.0/24", "i-2", 7, 11, false)]
    [InlineData("10.24.6.0/24", "i-1", 7, 11, false)]
    // Of an earlier lease of the subnet.
    [InlineData("10.24.5.0/24", "i-1", 6, 11, false)]
    [InlineData("10.24.5.0/24", "i-1", 7, 9, false)]
    public void Only_a_status_of_this_holding_counts(string subnet, string instance, long holding, long written, bool counts)
    {
        var published = new TestRouteStatus(Status(RouteState.Available, subnet, instance), holding, written);
        var snapshot = new RouteStatusSnapshot(new Dictionary<string, PublishedRouteStatus> { ["10.24.5.0-24"] = published }, 1);
        Assert.Equal(counts ? published.Status : null, snapshot.Of(Node));
    }

    private static RouteStatus Status(RouteState state, string subnet = "10.24.5.0/24", string instance = "i-1") =>
        new(subnet, instance, ["vtb-1"], state, "", "", default);
}
