using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
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
        Assert.InRange(time.Elapsed, TimeSpan.FromMilliseconds(700), TimeSpan.FromMilliseconds(800));
    });

    [Fact]
    public void A_read_in_the_background_leaves_calls_to_the_others() => VirtualTime.Run(async time =>
    {
        var cloud = CreateCloud(time);
        var limited = new RateLimitedCloudApi(cloud, time);
        for (var i = 0; i < 10_000; i++) cloud.AddEntry("vtb-1", $"10.{i / 256}.{i % 256}.0/24", "i-1");
        var query = new RouteEntryQuery("vtb-1") { IsBackground = true };
        var background = limited.DescribeRouteEntryListAsync("cn-hangzhou", query, CancellationToken.None);
        await time.Pass(TimeSpan.FromSeconds(5));
        var single = new RouteEntryQuery("vtb-1") { Destinations = [IpNetwork.Parse("10.1.1.0/24")] };
        for (var i = 0; i < 30; i++) Assert.Single((await limited.DescribeRouteEntryListAsync("cn-hangzhou", single, default)).Value!);
        Assert.Equal(TimeSpan.FromSeconds(5), time.Elapsed);
        Assert.False(background.IsCompleted);
        Assert.Equal(10_000, (await background).Value!.Count);
        // 100 pages and 30 calls with 60 tokens at the beginning, 30 of which remain, and 4 in a second.
        Assert.InRange(time.Elapsed, TimeSpan.FromSeconds(24), TimeSpan.FromSeconds(26));
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
