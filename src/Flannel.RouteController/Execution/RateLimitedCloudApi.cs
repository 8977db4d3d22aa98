using System.Collections.Concurrent;
using Flannel.AliCloud;
using Flannel.AliCloud.Ecs;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Quotas;
using Flannel.AliCloud.Vpc;
using Flannel.Core;

namespace Flannel.RouteController.Execution;

/// <summary>Limits the rate of calls: each action in each region has its own token bucket. After a response that says when the next call is
/// allowed, the action waits that long. Thread-safe.</summary>
/// <remarks>Other clients of the account share its limits. In the long run this uses 80 % of the VPC limit, 72 % of the ECS limit and 6
/// calls per minute of the Quotas API, whose limit is not documented.</remarks>
public sealed class RateLimitedCloudApi(ICloudApi inner, TimeProvider time) : ICloudApi
{
    private const double VpcPerSecond = CloudLimits.VpcCallsPerMinute * 0.8 / 60;
    private const int VpcBurst = CloudLimits.VpcCallsPerMinute / 5;

    /// <summary>Tokens that reads in the background leave: enough for two reads of the destinations of a node in 15 tables.</summary>
    private const int BackgroundReserve = VpcBurst / 2;

    private const double EcsPerSecond = CloudLimits.EcsCallsPerMinute * 0.72 / 60;
    private const int EcsBurst = CloudLimits.EcsCallsPerMinute / 5;
    private const double QuotasPerSecond = 0.1;
    private const int QuotasBurst = 5;

    private readonly ConcurrentDictionary<BucketKey, TokenBucket> buckets = new();

    /// <summary>How long a call of the VPC API would wait now. A caller that verifies a condition before a call waits before it
    /// verifies.</summary>
    public TimeSpan DelayOf(string regionId, string action) => BucketOf(regionId, action, VpcPerSecond, VpcBurst).Delay();

    private sealed record BucketKey(string Region, string Action);

    /// <summary>Each page waits for its own token. A read in the background leaves the last tokens to the reads that a node waits
    /// for.</summary>
    public async Task<CloudResult<IReadOnlyList<RouteEntry>>> DescribeRouteEntryListAsync(
        string regionId, RouteEntryQuery query, CancellationToken cancellation)
    {
        var bucket = BucketOf(regionId, "DescribeRouteEntryList", VpcPerSecond, VpcBurst);
        var reserve = query.IsBackground ? BackgroundReserve : 0;
        var pages = 1;
        await bucket.TakeAsync(reserve, cancellation);
        var result = await inner.DescribeRouteEntryListAsync(regionId, query with { BeforePage = TakeAsync }, cancellation);
        if (result.Error?.RetryAfter is { } retryAfter) bucket.Close(retryAfter);
        // A prefetched result was not rate limited.
        if (result.Value is { } list) bucket.Spend(Math.Max(0, (list.Count - 1) / CloudLimits.EntriesPerPage + 1 - pages));
        return result;

        Task TakeAsync(CancellationToken cancel)
        {
            pages++;
            return bucket.TakeAsync(reserve, cancel);
        }
    }

    public Task<CloudResult<IReadOnlyList<RouteTable>>> DescribeRouteTableListAsync(
        string regionId, string vpcId, CancellationToken cancellation) =>
        ListAsync(regionId, "DescribeRouteTableList", CloudLimits.ItemsPerPage,
            c => inner.DescribeRouteTableListAsync(regionId, vpcId, c), cancellation);

    public Task<CloudResult<IReadOnlyList<RouteTable>>> DescribeRouteTableAsync(
        string regionId, string routeTableId, CancellationToken cancellation) =>
        VpcAsync(regionId, "DescribeRouteTableList", c => inner.DescribeRouteTableAsync(regionId, routeTableId, c), cancellation);

    public Task<CloudResult<VSwitchAttributes>> DescribeVSwitchAttributesAsync(
        string regionId, string vSwitchId, CancellationToken cancellation) =>
        VpcAsync(regionId, "DescribeVSwitchAttributes", c => inner.DescribeVSwitchAttributesAsync(regionId, vSwitchId, c), cancellation);

    public Task<CloudResult<IReadOnlyList<VSwitchAttributes>>> DescribeVSwitchesAsync(
        string regionId, string vpcId, CancellationToken cancellation) =>
        ListAsync(regionId, "DescribeVSwitches", CloudLimits.ItemsPerPage,
            c => inner.DescribeVSwitchesAsync(regionId, vpcId, c), cancellation);

    public Task<CloudResult<VpcAttributes>> DescribeVpcAttributeAsync(string regionId, string vpcId, CancellationToken cancellation) =>
        VpcAsync(regionId, "DescribeVpcAttribute", c => inner.DescribeVpcAttributeAsync(regionId, vpcId, c), cancellation);

    public Task<CloudResult<RouteEntryQuota>> GetRouteEntryQuotaAsync(string regionId, CancellationToken cancellation) =>
        CallAsync(regionId, "GetProductQuota", QuotasPerSecond, QuotasBurst, c => inner.GetRouteEntryQuotaAsync(regionId, c), cancellation);

    public Task<CloudResult<BatchResult>> CreateRouteEntriesAsync(
        string regionId, IReadOnlyList<NewRouteEntry> entries, CancellationToken cancellation) =>
        VpcAsync(regionId, "CreateRouteEntries", c => inner.CreateRouteEntriesAsync(regionId, entries, c), cancellation);

    public Task<CloudResult<Unit>> CreateRouteEntryAsync(
        string regionId, NewRouteEntry entry, string clientToken, CancellationToken cancellation) =>
        VpcAsync(regionId, "CreateRouteEntry", c => inner.CreateRouteEntryAsync(regionId, entry, clientToken, c), cancellation);

    public Task<CloudResult<BatchResult>> DeleteRouteEntriesAsync(
        string regionId, IReadOnlyList<RouteEntry> entries, CancellationToken cancellation) =>
        VpcAsync(regionId, "DeleteRouteEntries", c => inner.DeleteRouteEntriesAsync(regionId, entries, c), cancellation);

    public Task<CloudResult<Unit>> ModifyRouteEntryAsync(
        string regionId, RouteEntry entry, NextHop? newNextHop, string name, string description, CancellationToken cancellation) =>
        VpcAsync(regionId, "ModifyRouteEntry",
            c => inner.ModifyRouteEntryAsync(regionId, entry, newNextHop, name, description, c), cancellation);

    public Task<CloudResult<Unit>> DryRunAsync(
        RouteWriteCall action, string regionId, NewRouteEntry entry, CancellationToken cancellation) =>
        VpcAsync(regionId, action.ToString(), c => inner.DryRunAsync(action, regionId, entry, c), cancellation);

    public async Task<CloudResult<IReadOnlyList<NetworkInterface>>> DescribeNetworkInterfacesAsync(
        string regionId, IReadOnlyList<string> networkInterfaceIds, CancellationToken cancellation)
    {
        const string action = "DescribeNetworkInterfaces";
        var result = await EcsAsync(regionId, action,
            c => inner.DescribeNetworkInterfacesAsync(regionId, networkInterfaceIds, c), cancellation);
        BucketOf(regionId, action, EcsPerSecond, EcsBurst).Spend((networkInterfaceIds.Count - 1) / CloudLimits.InterfacesPerCall);
        return result;
    }

    public Task<CloudResult<Unit>> DisableSourceDestCheckAsync(
        string regionId, string networkInterfaceId, CancellationToken cancellation) =>
        EcsAsync(regionId, "ModifyNetworkInterfaceAttribute",
            c => inner.DisableSourceDestCheckAsync(regionId, networkInterfaceId, c), cancellation);

    private async Task<CloudResult<IReadOnlyList<T>>> ListAsync<T>(
        string region, string action, int page, Func<CancellationToken, Task<CloudResult<IReadOnlyList<T>>>> call,
        CancellationToken cancellation)
    {
        var result = await VpcAsync(region, action, call, cancellation);
        if (result.Value is { } list) BucketOf(region, action, VpcPerSecond, VpcBurst).Spend(Math.Max(0, list.Count - 1) / page);
        return result;
    }

    private Task<CloudResult<T>> VpcAsync<T>(
        string region, string action, Func<CancellationToken, Task<CloudResult<T>>> call, CancellationToken cancellation) where T : class =>
        CallAsync(region, action, VpcPerSecond, VpcBurst, call, cancellation);

    private Task<CloudResult<T>> EcsAsync<T>(
        string region, string action, Func<CancellationToken, Task<CloudResult<T>>> call, CancellationToken cancellation) where T : class =>
        CallAsync(region, action, EcsPerSecond, EcsBurst, call, cancellation);

    private async Task<CloudResult<T>> CallAsync<T>(
        string region, string action, double perSecond, int burst, Func<CancellationToken, Task<CloudResult<T>>> call,
        CancellationToken cancellation) where T : class
    {
        var bucket = BucketOf(region, action, perSecond, burst);
        await bucket.TakeAsync(reserve: 0, cancellation);
        var result = await call(cancellation);
        if (result.Error?.RetryAfter is { } retryAfter) bucket.Close(retryAfter);
        return result;
    }

    private TokenBucket BucketOf(string region, string action, double perSecond, int burst) =>
        buckets.GetOrAdd(new BucketKey(region, action), _ => new TokenBucket(perSecond, burst, time));
}
