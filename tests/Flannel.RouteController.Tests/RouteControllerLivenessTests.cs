using Flannel.AliCloud.Http;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests;

/// <summary>The liveness monitor distinguishes a controller that hangs from one that waits, is rejected, or is idle.</summary>
public sealed class RouteControllerLivenessTests
{
    private static readonly TimeSpan Forever = TimeSpan.FromDays(40); // no timer is longer than 49

    [Theory]
    [InlineData("DescribeRouteEntryList", "the route controller's loop of cn-hangzhou/vpc-1 ")]
    [InlineData("CreateRouteEntr", "the route controller's loop of cn-hangzhou/vpc-1 ")]
    [InlineData("DescribeNetworkInterfaces", "the route controller's loop of interfaces in cn-hangzhou ")]
    public void A_call_without_end_is_reported_as_a_hung_loop(string action, string named) => Cluster.Run(async cluster =>
    {
        cluster.Cloud.Faults = call => call.Action.StartsWith(action, StringComparison.Ordinal)
            ? new InMemoryCloudApi.Fault(CloudErrorKind.Retry, "never", Delay: Forever)
            : null;
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.Time.Until(() => cluster.Loops.Hung is not null, TimeSpan.FromHours(2));
        Assert.StartsWith(named, cluster.Loops.Hung, StringComparison.Ordinal);
        Assert.InRange(cluster.Time.Elapsed, TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(35));

        // A loop that has ended is not reported.
        await cluster.StopAsync();
        Assert.Null(cluster.Loops.Hung);
    });

    [Theory]
    [InlineData("nothing")]
    [InlineData("busy")]
    [InlineData("hints")]
    [InlineData("unreachable")]
    [InlineData("rejected")]
    public void A_waiting_loop_is_not_reported_as_hung(string fault) => Cluster.Run(async cluster =>
    {
        cluster.Cloud.Faults = call => fault switch
        {
            "busy" => call.IsWrite ? InMemoryCloudApi.Fault.Busy : null,
            "hints" => new InMemoryCloudApi.Fault(CloudErrorKind.Retry, "Throttling", RetryAfter: TimeSpan.FromMinutes(5)),
            "unreachable" => new InMemoryCloudApi.Fault(CloudErrorKind.Retry, "<timeout>", Delay: TimeSpan.FromMinutes(1)),
            "rejected" => call.IsWrite ? new InMemoryCloudApi.Fault(CloudErrorKind.Fatal, "InvalidNextHop") : null,
            _ => null,
        };
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2");
        cluster.Start();
        for (var minutes = 0; minutes < 12 * 60; minutes++)
        {
            await Task.Delay(TimeSpan.FromMinutes(1), cluster.Time);
            Assert.Null(cluster.Loops.Hung);
        }
    }, new RouteControllerOptions([]) { UnreachableLimit = Forever });

    [Fact]
    public void A_slow_API_with_many_interfaces_is_not_reported_as_a_hung_loop() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.Faults = call => call.Action == "ModifyNetworkInterfaceAttribute"
            ? new InMemoryCloudApi.Fault(CloudErrorKind.Retry, "<timeout>", Delay: TimeSpan.FromMinutes(1))
            : null;
        for (var i = 1; i <= 200; i++) cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        cluster.Start();
        // Four at a time, a minute each: the first pass takes 50 minutes.
        for (var minutes = 0; minutes < 120; minutes++)
        {
            await Task.Delay(TimeSpan.FromMinutes(1), cluster.Time);
            Assert.Null(cluster.Loops.Hung);
        }
    });
}
