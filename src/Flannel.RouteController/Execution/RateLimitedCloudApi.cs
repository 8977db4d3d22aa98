using System.Collections.Concurrent;
using Flannel.AliCloud.Ecs;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Quotas;
using Flannel.AliCloud.Vpc;
using Flannel.AliCloud;
using Flannel.Core;

namespace Flannel.RouteController.Execution;

/// <summary>The API within a budget: each action of each region has its own bucket, and a throttled action rests for as long as the server
/// says. The account's limits are shared with everybody else in it: of the VPC's 300 a minute (the documented ones; the rest are assumed
/// alike) this takes at most 240 in the long run, of ECS' 500 at most 400.</summary>
public sealed class RateLimitedCloudApi(ICloudApi inner, TimeProvider time) : ICloudApi
{
    private readonly ConcurrentDictionary<Bucket, TokenBucket> budgets = new();

    /// <summary>How long a call that writes would wait now. Whoever proves something before a call waits before the proof.</summary>
    public TimeSpan DelayOf(string regionId, string action) => BudgetOf(regionId, action, 4, 60).Delay();

    private sealed record Bucket(string Region, string Action);

    public Task<CloudResult<IReadOnlyList<RouteEntry>>> DescribeRouteEntryListAsync(
        string regionId, string routeTableId, CancellationToken cancellation) =>
        ListAsync(regionId, "DescribeRouteEntryList", CloudLimits.EntriesPerPage,
            c => inner.DescribeRouteEntryListAsync(regionId, routeTableId, c), cancellation);

    public Task<CloudResult<IReadOnlyList<RouteTable>>> DescribeRouteTableListAsync(
        string regionId, string vpcId, CancellationToken cancellation) =>
        ListAsync(regionId, "DescribeRouteTableList", CloudLimits.ItemsPerPage, c => inner.DescribeRouteTableListAsync(regionId, vpcId, c), cancellation);

    public Task<CloudResult<IReadOnlyList<RouteTable>>> DescribeRouteTableAsync(
        string regionId, string routeTableId, CancellationToken cancellation) =>
        VpcAsync(regionId, "DescribeRouteTableList", c => inner.DescribeRouteTableAsync(regionId, routeTableId, c), cancellation);

    public Task<CloudResult<VSwitchFacts>> DescribeVSwitchAttributesAsync(string regionId, string vSwitchId, CancellationToken cancellation) =>
        VpcAsync(regionId, "DescribeVSwitchAttributes", c => inner.DescribeVSwitchAttributesAsync(regionId, vSwitchId, c), cancellation);

    public Task<CloudResult<IReadOnlyList<VSwitchFacts>>> DescribeVSwitchesAsync(
        string regionId, string vpcId, CancellationToken cancellation) =>
        ListAsync(regionId, "DescribeVSwitches", CloudLimits.ItemsPerPage, c => inner.DescribeVSwitchesAsync(regionId, vpcId, c), cancellation);

    public Task<CloudResult<VpcFacts>> DescribeVpcAttributeAsync(string regionId, string vpcId, CancellationToken cancellation) =>
        VpcAsync(regionId, "DescribeVpcAttribute", c => inner.DescribeVpcAttributeAsync(regionId, vpcId, c), cancellation);

    public Task<CloudResult<RouteEntryQuota>> GetRouteEntryQuotaAsync(string regionId, CancellationToken cancellation) =>
        CallAsync(regionId, "GetProductQuota", 0.1, 5, c => inner.GetRouteEntryQuotaAsync(regionId, c), cancellation);

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
        VpcAsync(regionId, "ModifyRouteEntry", c => inner.ModifyRouteEntryAsync(regionId, entry, newNextHop, name, description, c), cancellation);

    public Task<CloudResult<Unit>> DryRunAsync(RouteWriteCall action, string regionId, NewRouteEntry entry, CancellationToken cancellation) =>
        VpcAsync(regionId, action.ToString(), c => inner.DryRunAsync(action, regionId, entry, c), cancellation);

    public async Task<CloudResult<IReadOnlyList<InterfaceFacts>>> DescribeNetworkInterfacesAsync(
        string regionId, IReadOnlyList<string> networkInterfaceIds, CancellationToken cancellation)
    {
        const string action = "DescribeNetworkInterfaces";
        var answer = await EcsAsync(regionId, action, c => inner.DescribeNetworkInterfacesAsync(regionId, networkInterfaceIds, c), cancellation);
        BudgetOf(regionId, action, 6, 100).Spend((networkInterfaceIds.Count - 1) / CloudLimits.InterfacesPerCall);
        return answer;
    }

    public Task<CloudResult<Unit>> SwitchOffSourceDestCheckAsync(string regionId, string networkInterfaceId, CancellationToken cancellation) =>
        EcsAsync(regionId, "ModifyNetworkInterfaceAttribute",
            c => inner.SwitchOffSourceDestCheckAsync(regionId, networkInterfaceId, c), cancellation);

    private async Task<CloudResult<IReadOnlyList<T>>> ListAsync<T>(
        string region, string action, int page, Func<CancellationToken, Task<CloudResult<IReadOnlyList<T>>>> call, CancellationToken cancellation)
    {
        var answer = await VpcAsync(region, action, call, cancellation);
        if (answer.Value is { } list) BudgetOf(region, action, 4, 60).Spend(Math.Max(0, list.Count - 1) / page);
        return answer;
    }

    private Task<CloudResult<T>> VpcAsync<T>(
        string region, string action, Func<CancellationToken, Task<CloudResult<T>>> call, CancellationToken cancellation) where T : class =>
        CallAsync(region, action, 4, 60, call, cancellation);

    private Task<CloudResult<T>> EcsAsync<T>(
        string region, string action, Func<CancellationToken, Task<CloudResult<T>>> call, CancellationToken cancellation) where T : class =>
        CallAsync(region, action, 6, 100, call, cancellation);

    private async Task<CloudResult<T>> CallAsync<T>(
        string region, string action, double perSecond, int burst, Func<CancellationToken, Task<CloudResult<T>>> call,
        CancellationToken cancellation) where T : class
    {
        var budget = BudgetOf(region, action, perSecond, burst);
        await budget.TakeAsync(cancellation);
        var answer = await call(cancellation);
        if (answer.Error?.RetryAfter is { } hint) budget.Close(hint);
        return answer;
    }

    private TokenBucket BudgetOf(string region, string action, double perSecond, int burst) =>
        budgets.GetOrAdd(new Bucket(region, action), _ => new TokenBucket(perSecond, burst, time));
}
