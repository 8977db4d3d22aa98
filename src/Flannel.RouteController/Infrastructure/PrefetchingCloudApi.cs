using System.Collections.Concurrent;
using Flannel.AliCloud;
using Flannel.AliCloud.Ecs;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Quotas;
using Flannel.AliCloud.Vpc;
using Flannel.Core;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Infrastructure;

/// <summary>Prefetches what a term reads first, while the node is being elected. The first call of the term for the same object gets the
/// result; every other call is passed on. Thread-safe.</summary>
public sealed class PrefetchingCloudApi(ICloudApi inner, TimeProvider time) : ICloudApi
{
    /// <summary>Older results are not used. Other clients, such as an earlier route controller, may have changed the routes
    /// since.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<PrefetchKey, Prefetch> prefetched = new();

    private sealed record PrefetchKey(string Action, string Id);

    /// <param name="StartedAt">When the request was sent.</param>
    private sealed record Prefetch(Task Result, long StartedAt);

    /// <summary>Reads the entries of a table. The result is returned here and to one later call.</summary>
    public Task<CloudResult<IReadOnlyList<RouteEntry>>> PrefetchEntriesAsync(
        string regionId, string routeTableId, CancellationToken cancellation)
    {
        var result = inner.DescribeRouteEntryListAsync(regionId, routeTableId, cancellation);
        Store(nameof(DescribeRouteEntryListAsync), routeTableId, result);
        return result;
    }

    /// <summary>Starts to read the tables and the ranges of the node's VPC, and the node's interface.</summary>
    public void PrefetchVpc(AliVpcBackendData self, CancellationToken cancellation)
    {
        var (region, vpc, networkInterface) = (self.RegionId, self.VpcId, self.NetworkInterfaceId);
        Store(nameof(DescribeRouteTableListAsync), vpc, inner.DescribeRouteTableListAsync(region, vpc, cancellation));
        Store(nameof(DescribeVpcAttributeAsync), vpc, inner.DescribeVpcAttributeAsync(region, vpc, cancellation));
        Store(nameof(DescribeVSwitchesAsync), vpc, inner.DescribeVSwitchesAsync(region, vpc, cancellation));
        Store(
            nameof(DescribeNetworkInterfacesAsync), networkInterface,
            inner.DescribeNetworkInterfacesAsync(region, [networkInterface], cancellation));
    }

    /// <summary>Another node is elected, and may write: nothing that was read is used.</summary>
    public void Discard() => prefetched.Clear();

    public Task<CloudResult<IReadOnlyList<RouteEntry>>> DescribeRouteEntryListAsync(
        string regionId, RouteEntryQuery query, CancellationToken cancellation) =>
        query.Destinations.Count > 0
            ? inner.DescribeRouteEntryListAsync(regionId, query, cancellation)
            : TakeAsync(new(nameof(DescribeRouteEntryListAsync), query.RouteTableId),
                () => inner.DescribeRouteEntryListAsync(regionId, query, cancellation), cancellation);

    public Task<CloudResult<IReadOnlyList<RouteTable>>> DescribeRouteTableListAsync(
        string regionId, string vpcId, CancellationToken cancellation) =>
        TakeAsync(new(nameof(DescribeRouteTableListAsync), vpcId),
            () => inner.DescribeRouteTableListAsync(regionId, vpcId, cancellation), cancellation);

    public Task<CloudResult<IReadOnlyList<RouteTable>>> DescribeRouteTableAsync(
        string regionId, string routeTableId, CancellationToken cancellation) =>
        inner.DescribeRouteTableAsync(regionId, routeTableId, cancellation);

    public Task<CloudResult<VSwitchAttributes>> DescribeVSwitchAttributesAsync(
        string regionId, string vSwitchId, CancellationToken cancellation) =>
        inner.DescribeVSwitchAttributesAsync(regionId, vSwitchId, cancellation);

    public Task<CloudResult<IReadOnlyList<VSwitchAttributes>>> DescribeVSwitchesAsync(
        string regionId, string vpcId, CancellationToken cancellation) =>
        TakeAsync(new(nameof(DescribeVSwitchesAsync), vpcId),
            () => inner.DescribeVSwitchesAsync(regionId, vpcId, cancellation), cancellation);

    public Task<CloudResult<VpcAttributes>> DescribeVpcAttributeAsync(string regionId, string vpcId, CancellationToken cancellation) =>
        TakeAsync(new(nameof(DescribeVpcAttributeAsync), vpcId),
            () => inner.DescribeVpcAttributeAsync(regionId, vpcId, cancellation), cancellation);

    public Task<CloudResult<RouteEntryQuota>> GetRouteEntryQuotaAsync(string regionId, CancellationToken cancellation) =>
        inner.GetRouteEntryQuotaAsync(regionId, cancellation);

    public Task<CloudResult<BatchResult>> CreateRouteEntriesAsync(
        string regionId, IReadOnlyList<NewRouteEntry> entries, CancellationToken cancellation) =>
        Invalidate().CreateRouteEntriesAsync(regionId, entries, cancellation);

    public Task<CloudResult<Unit>> CreateRouteEntryAsync(
        string regionId, NewRouteEntry entry, string clientToken, CancellationToken cancellation) =>
        Invalidate().CreateRouteEntryAsync(regionId, entry, clientToken, cancellation);

    public Task<CloudResult<BatchResult>> DeleteRouteEntriesAsync(
        string regionId, IReadOnlyList<RouteEntry> entries, CancellationToken cancellation) =>
        Invalidate().DeleteRouteEntriesAsync(regionId, entries, cancellation);

    public Task<CloudResult<Unit>> ModifyRouteEntryAsync(
        string regionId, RouteEntry entry, NextHop? newNextHop, string name, string description, CancellationToken cancellation) =>
        Invalidate().ModifyRouteEntryAsync(regionId, entry, newNextHop, name, description, cancellation);

    public Task<CloudResult<Unit>> DryRunAsync(
        RouteWriteCall action, string regionId, NewRouteEntry entry, CancellationToken cancellation) =>
        inner.DryRunAsync(action, regionId, entry, cancellation);

    public Task<CloudResult<IReadOnlyList<NetworkInterface>>> DescribeNetworkInterfacesAsync(
        string regionId, IReadOnlyList<string> networkInterfaceIds, CancellationToken cancellation) =>
        networkInterfaceIds is [var single]
            ? TakeAsync(new(nameof(DescribeNetworkInterfacesAsync), single),
                () => inner.DescribeNetworkInterfacesAsync(regionId, networkInterfaceIds, cancellation), cancellation)
            : inner.DescribeNetworkInterfacesAsync(regionId, networkInterfaceIds, cancellation);

    public Task<CloudResult<Unit>> DisableSourceDestCheckAsync(
        string regionId, string networkInterfaceId, CancellationToken cancellation) =>
        inner.DisableSourceDestCheckAsync(regionId, networkInterfaceId, cancellation);

    /// <summary>What was read before a write says nothing about the time after it.</summary>
    private ICloudApi Invalidate()
    {
        Discard();
        return inner;
    }

    private void Store(string action, string id, Task result) => prefetched[new(action, id)] = new(result, time.GetTimestamp());

    /// <param name="call">Made if there is no result that can be used.</param>
    private async Task<CloudResult<T>> TakeAsync<T>(PrefetchKey key, Func<Task<CloudResult<T>>> call, CancellationToken cancellation)
        where T : class
    {
        if (!prefetched.TryRemove(key, out var read) || time.GetElapsedTime(read.StartedAt) >= MaxAge) return await call();
        await TaskWait.WaitAsync(read.Result, MaxAge - time.GetElapsedTime(read.StartedAt), time, cancellation);
        if (read.Result is not Task<CloudResult<T>> { IsCompletedSuccessfully: true } ended) return await call();
        return await ended is { Error: null } result ? result : await call();
    }
}
