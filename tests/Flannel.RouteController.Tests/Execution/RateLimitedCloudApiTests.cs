using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests.Execution;

public sealed class RateLimitedCloudApiTests
{
    [Fact]
    public void A_burst_is_not_delayed_and_further_calls_are_rate_limited() => VirtualTime.Run(async time =>
    {
        var cloud = CreateCloud(time);
        var limited = new RateLimitedCloudApi(cloud, time);
        for (var i = 0; i < 60; i++) await Read(limited);
        Assert.Equal(TimeSpan.Zero, time.Elapsed);
        for (var i = 0; i < 40; i++) await Read(limited);
        Assert.InRange(time.Elapsed, TimeSpan.FromSeconds(9.9), TimeSpan.FromSeconds(10.2));
        Assert.Equal(100, cloud.Calls.Count);
    });

    [Fact]
    public void Pages_count_like_calls() => VirtualTime.Run(async time =>
    {
        var cloud = CreateCloud(time);
        var limited = new RateLimitedCloudApi(cloud, time);
        for (var i = 0; i < 201; i++) cloud.AddEntry("vtb-1", $"10.{i}.0.0/16", "i-1");
        for (var i = 0; i < 20; i++) await Read(limited); // three pages each
        Assert.Equal(TimeSpan.Zero, time.Elapsed);
        await Read(limited);
        Assert.InRange(time.Elapsed, TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(300));
    });

    [Fact]
    public void Actions_and_regions_do_not_share_a_bucket() => VirtualTime.Run(async time =>
    {
        var limited = new RateLimitedCloudApi(CreateCloud(time), time);
        for (var i = 0; i < 60; i++) await Read(limited);
        await limited.DescribeVSwitchAttributesAsync("cn-hangzhou", "vsw-1", CancellationToken.None);
        await limited.DescribeRouteEntryListAsync("cn-beijing", "vtb-1", CancellationToken.None);
        Assert.Equal(TimeSpan.Zero, time.Elapsed);
    });

    [Fact]
    public void A_throttled_action_waits_for_the_time_in_the_response_and_others_do_not() => VirtualTime.Run(async time =>
    {
        var cloud = CreateCloud(time);
        var limited = new RateLimitedCloudApi(cloud, time);
        cloud.Faults = call => call.N == 0
            ? new InMemoryCloudApi.Fault(CloudErrorKind.Retry, "Throttling", RetryAfter: TimeSpan.FromSeconds(7))
            : null;
        Assert.False((await Read(limited)).Ok);
        await limited.DescribeVSwitchAttributesAsync("cn-hangzhou", "vsw-1", CancellationToken.None);
        Assert.Equal(TimeSpan.Zero, time.Elapsed);
        Assert.True((await Read(limited)).Ok);
        Assert.InRange(time.Elapsed, TimeSpan.FromSeconds(7), TimeSpan.FromSeconds(7.1));
    });

    [Fact]
    public void A_cancelled_caller_stops_waiting_for_the_rate_limit() => VirtualTime.Run(async time =>
    {
        var limited = new RateLimitedCloudApi(CreateCloud(time), time);
        for (var i = 0; i < 60; i++) await Read(limited);
        using var stop = new CancellationTokenSource();
        var waiting = limited.DescribeRouteEntryListAsync("cn-hangzhou", "vtb-1", stop.Token);
        stop.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    });

    private static InMemoryCloudApi CreateCloud(VirtualTime time)
    {
        var cloud = InMemoryCloudApi.WithOneTable(time);
        cloud.Latency = TimeSpan.Zero;
        return cloud;
    }

    private static Task<CloudResult<IReadOnlyList<RouteEntry>>> Read(RateLimitedCloudApi api) =>
        api.DescribeRouteEntryListAsync("cn-hangzhou", "vtb-1", CancellationToken.None);
}
