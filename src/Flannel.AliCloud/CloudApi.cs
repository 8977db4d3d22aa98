using Flannel.AliCloud.Ecs;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Quotas;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Vpc;
using Flannel.Core;

namespace Flannel.AliCloud;

/// <summary>The VPC, ECS and Quotas API over HTTP with signed requests. Thread-safe; one instance per process.</summary>
public sealed class CloudApi : ICloudApi, IDisposable
{
    private readonly CloudContext context;
    private readonly CloudTransport transport;
    private readonly VpcApi vpc;
    private readonly RouteEntryApi routes;
    private readonly EcsApi ecs;
    private readonly QuotasApi quotas;

    public CloudApi(CloudContext context, ICredentialSource credentials)
    {
        this.context = context;
        transport = new CloudTransport(context, credentials);
        var vpcClient = new ApiClient(CloudService.Vpc, transport, context);
        vpc = new VpcApi(vpcClient);
        routes = new RouteEntryApi(vpcClient);
        ecs = new EcsApi(new ApiClient(CloudService.Ecs, transport, context));
        quotas = new QuotasApi(new ApiClient(CloudService.Quotas, transport, context));
    }

    /// <summary>How far the cloud's clock was ahead of this machine's at the last response, to the second; null before one. From 15 minutes
    /// on, a call is rejected and repeated with the cloud's time.</summary>
    public TimeSpan? ClockDifference => context.Clock.MeasuredDifference;

    public void Dispose() => transport.Dispose();

    public Task<CloudResult<IReadOnlyList<RouteEntry>>> DescribeRouteEntryListAsync(
        string regionId, RouteEntryQuery query, CancellationToken cancellation) => routes.ListAsync(regionId, query, cancellation);

    public Task<CloudResult<IReadOnlyList<RouteTable>>> DescribeRouteTableListAsync(
        string regionId, string vpcId, CancellationToken cancellation) => vpc.ListRouteTablesAsync(regionId, vpcId, cancellation);

    public Task<CloudResult<IReadOnlyList<RouteTable>>> DescribeRouteTableAsync(
        string regionId, string routeTableId, CancellationToken cancellation) =>
        vpc.FindRouteTableAsync(regionId, routeTableId, cancellation);

    public Task<CloudResult<VSwitchAttributes>> DescribeVSwitchAttributesAsync(
        string regionId, string vSwitchId, CancellationToken cancellation) => vpc.ReadVSwitchAsync(regionId, vSwitchId, cancellation);

    public Task<CloudResult<IReadOnlyList<VSwitchAttributes>>> DescribeVSwitchesAsync(
        string regionId, string vpcId, CancellationToken cancellation) => vpc.ListVSwitchesAsync(regionId, vpcId, cancellation);

    public Task<CloudResult<VpcAttributes>> DescribeVpcAttributeAsync(string regionId, string vpcId, CancellationToken cancellation) =>
        vpc.ReadVpcAsync(regionId, vpcId, cancellation);

    public Task<CloudResult<RouteEntryQuota>> GetRouteEntryQuotaAsync(string regionId, CancellationToken cancellation) =>
        quotas.ReadRouteEntryQuotaAsync(regionId, cancellation);

    public Task<CloudResult<BatchResult>> CreateRouteEntriesAsync(
        string regionId, IReadOnlyList<NewRouteEntry> entries, CancellationToken cancellation) =>
        routes.CreateManyAsync(regionId, entries, cancellation);

    public Task<CloudResult<Unit>> CreateRouteEntryAsync(
        string regionId, NewRouteEntry entry, string clientToken, CancellationToken cancellation) =>
        routes.CreateAsync(regionId, entry, clientToken, cancellation);

    public Task<CloudResult<BatchResult>> DeleteRouteEntriesAsync(
        string regionId, IReadOnlyList<RouteEntry> entries, CancellationToken cancellation) =>
        routes.DeleteManyAsync(regionId, entries, cancellation);

    public Task<CloudResult<Unit>> ModifyRouteEntryAsync(
        string regionId, RouteEntry entry, NextHop? newNextHop, string name, string description, CancellationToken cancellation) =>
        routes.ModifyAsync(regionId, entry, newNextHop, name, description, cancellation);

    public Task<CloudResult<Unit>> DryRunAsync(
        RouteWriteCall action, string regionId, NewRouteEntry entry, CancellationToken cancellation) =>
        routes.DryRunAsync(action, regionId, entry, cancellation);

    public Task<CloudResult<IReadOnlyList<NetworkInterface>>> DescribeNetworkInterfacesAsync(
        string regionId, IReadOnlyList<string> networkInterfaceIds, CancellationToken cancellation) =>
        ecs.ListNetworkInterfacesAsync(regionId, networkInterfaceIds, cancellation);

    public Task<CloudResult<Unit>> DisableSourceDestCheckAsync(
        string regionId, string networkInterfaceId, CancellationToken cancellation) =>
        ecs.DisableSourceDestCheckAsync(regionId, networkInterfaceId, cancellation);
}
