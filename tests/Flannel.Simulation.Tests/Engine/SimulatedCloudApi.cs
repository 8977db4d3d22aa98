using Flannel.AliCloud;
using Flannel.AliCloud.Ecs;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Quotas;
using Flannel.AliCloud.Vpc;
using Flannel.Core;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>The API calls of one process over a faulty network: requests and responses are lost, and the API is unavailable at
/// times.</summary>
internal sealed class SimulatedCloudApi(ISimulatedCluster cluster, SimulatedProcess process) : ICloudApi
{
    // The time limit of one call.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly Scheduler scheduler = cluster.Scheduler;

    public Task<CloudResult<IReadOnlyList<RouteEntry>>> DescribeRouteEntryListAsync(
        string regionId, RouteEntryQuery query, CancellationToken cancellation) =>
        // The cloud does not run in the process that waits before a page.
        ReadAsync(
            "DescribeRouteEntryList", api => api.DescribeRouteEntryListAsync(regionId, query with { BeforePage = null }, default),
            cancellation);

    public Task<CloudResult<IReadOnlyList<RouteTable>>> DescribeRouteTableListAsync(
        string regionId, string vpcId, CancellationToken cancellation) =>
        ReadAsync("DescribeRouteTableList", api => api.DescribeRouteTableListAsync(regionId, vpcId, default), cancellation);

    public Task<CloudResult<IReadOnlyList<RouteTable>>> DescribeRouteTableAsync(
        string regionId, string routeTableId, CancellationToken cancellation) =>
        ReadAsync("DescribeRouteTable", api => api.DescribeRouteTableAsync(regionId, routeTableId, default), cancellation);

    public Task<CloudResult<VSwitchAttributes>> DescribeVSwitchAttributesAsync(
        string regionId, string vSwitchId, CancellationToken cancellation) =>
        ReadAsync("DescribeVSwitchAttributes", api => api.DescribeVSwitchAttributesAsync(regionId, vSwitchId, default), cancellation);

    public Task<CloudResult<IReadOnlyList<VSwitchAttributes>>> DescribeVSwitchesAsync(
        string regionId, string vpcId, CancellationToken cancellation) =>
        ReadAsync("DescribeVSwitches", api => api.DescribeVSwitchesAsync(regionId, vpcId, default), cancellation);

    public Task<CloudResult<VpcAttributes>> DescribeVpcAttributeAsync(string regionId, string vpcId, CancellationToken cancellation) =>
        ReadAsync("DescribeVpcAttribute", api => api.DescribeVpcAttributeAsync(regionId, vpcId, default), cancellation);

    public Task<CloudResult<RouteEntryQuota>> GetRouteEntryQuotaAsync(string regionId, CancellationToken cancellation) =>
        ReadAsync("GetProductQuota", api => api.GetRouteEntryQuotaAsync(regionId, default), cancellation);

    public Task<CloudResult<BatchResult>> CreateRouteEntriesAsync(
        string regionId, IReadOnlyList<NewRouteEntry> entries, CancellationToken cancellation) =>
        WriteAsync("CreateRouteEntries", api => api.CreateRouteEntriesAsync(regionId, entries, default), cancellation);

    public Task<CloudResult<Unit>> CreateRouteEntryAsync(
        string regionId, NewRouteEntry entry, string clientToken, CancellationToken cancellation) =>
        WriteAsync("CreateRouteEntry", api => api.CreateRouteEntryAsync(regionId, entry, clientToken, default), cancellation);

    public Task<CloudResult<BatchResult>> DeleteRouteEntriesAsync(
        string regionId, IReadOnlyList<RouteEntry> entries, CancellationToken cancellation) =>
        WriteAsync("DeleteRouteEntries", api => api.DeleteRouteEntriesAsync(regionId, entries, default), cancellation);

    public Task<CloudResult<Unit>> ModifyRouteEntryAsync(
        string regionId, RouteEntry entry, NextHop? newNextHop, string name, string description, CancellationToken cancellation) =>
        WriteAsync("ModifyRouteEntry", api => api.ModifyRouteEntryAsync(regionId, entry, newNextHop, name, description, default),
            cancellation);

    public Task<CloudResult<Unit>> DryRunAsync(RouteWriteCall action, string regionId, NewRouteEntry entry,
        CancellationToken cancellation) =>
        ReadAsync("DryRun", api => api.DryRunAsync(action, regionId, entry, default), cancellation);

    public Task<CloudResult<IReadOnlyList<NetworkInterface>>> DescribeNetworkInterfacesAsync(
        string regionId, IReadOnlyList<string> networkInterfaceIds, CancellationToken cancellation) =>
        ReadAsync("DescribeNetworkInterfaces", api => api.DescribeNetworkInterfacesAsync(regionId, networkInterfaceIds, default),
            cancellation);

    public Task<CloudResult<Unit>> DisableSourceDestCheckAsync(
        string regionId, string networkInterfaceId, CancellationToken cancellation) =>
        WriteAsync("ModifyNetworkInterfaceAttribute", api => api.DisableSourceDestCheckAsync(regionId, networkInterfaceId, default),
            cancellation);

    private Task<CloudResult<T>> ReadAsync<T>(string action, Func<ICloudApi, Task<CloudResult<T>>> call, CancellationToken cancellation)
        where T : class => CallAsync(action, call, cancellation);

    private Task<CloudResult<T>> WriteAsync<T>(string action, Func<ICloudApi, Task<CloudResult<T>>> call, CancellationToken cancellation)
        where T : class
    {
        cluster.CloudWrite(process, action);
        return CallAsync(action, call, cancellation);
    }

    private Task<CloudResult<T>> CallAsync<T>(string action, Func<ICloudApi, Task<CloudResult<T>>> call, CancellationToken cancellation)
        where T : class
    {
        scheduler.CheckThread("a call of the cloud's API");
        if (cancellation.IsCancellationRequested) return Task.FromCanceled<CloudResult<T>>(cancellation);
        scheduler.Trace(process.Machine.Name, action);
        var result = new TaskCompletionSource<CloudResult<T>>();
        cancellation.UnsafeRegister(_ => result.TrySetCanceled(cancellation), null);
        if (process.Machine.IsIsolated || cluster.Conditions.CloudDown || scheduler.Chance(cluster.Conditions.CloudLost))
        {
            Fail(result, CloudErrorKind.Retry, "<connect>", scheduler.Between(0, Limit.TotalSeconds));
            return result.Task;
        }

        if (scheduler.Chance(cluster.Conditions.CloudConflict))
        {
            Fail(result, CloudErrorKind.Retry, "TaskConflict", scheduler.Between(0.005, 0.1));
            return result.Task;
        }

        var isResponseLost = scheduler.Chance(cluster.Conditions.CloudResponseLost);
        if (isResponseLost) Fail(result, CloudErrorKind.Reread, "<timeout>", Limit);
        Execute(action, call, isResponseLost ? null : result);
        return result.Task;
    }

    /// <param name="result">Null if the response is lost.</param>
    private void Execute<T>(string action, Func<ICloudApi, Task<CloudResult<T>>> call,
        TaskCompletionSource<CloudResult<T>>? result) where T : class =>
        cluster.Cloud.Context.Post(
            async _ =>
            {
                try
                {
                    var response = await call(cluster.Cloud.Api);
                    scheduler.Trace(process.Machine.Name, $"{action} {response.Error?.Code ?? "done"}");
                    process.Context.Deliver(() => result?.TrySetResult(response));
                }
                catch (Exception e)
                {
                    cluster.Fail($"the fake cloud failed: {e}");
                }
            },
            null);

    private void Fail<T>(TaskCompletionSource<CloudResult<T>> result, CloudErrorKind kind, string code, TimeSpan after) where T : class =>
        scheduler.After(after, () => process.Context.Deliver(() =>
        {
            var error = new CloudError(kind, code, "simulated", "", 0, null, null);
            if (result.TrySetResult(new CloudResult<T>(null, error, ""))) scheduler.Trace(process.Machine.Name, code);
        }));
}
