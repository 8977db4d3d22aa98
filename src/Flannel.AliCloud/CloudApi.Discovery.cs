using Flannel.AliCloud.Ecs;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Quotas;
using Flannel.AliCloud.Vpc;
using Flannel.Core;
using Json = Flannel.AliCloud.Http.CloudResponseJson;

namespace Flannel.AliCloud;

/// <summary>What is there: tables, vSwitches, VPCs, interfaces.</summary>
public sealed partial class CloudApi
{


    public Task<CloudResult<IReadOnlyList<RouteTable>>> DescribeRouteTableListAsync(
        string regionId, string vpcId, CancellationToken cancellation) => ListTablesAsync(regionId, "VpcId", vpcId, cancellation);

    public Task<CloudResult<IReadOnlyList<RouteTable>>> DescribeRouteTableAsync(
        string regionId, string routeTableId, CancellationToken cancellation) =>
        ListTablesAsync(regionId, "RouteTableId", routeTableId, cancellation);

    private async Task<CloudResult<IReadOnlyList<RouteTable>>> ListTablesAsync(
        string regionId, string filter, string id, CancellationToken cancellation)
    {
        using var scope = Begin(cancellation);
        return await ListByNumberAsync(
            () => Read(CloudService.Vpc, "DescribeRouteTableList", regionId).With(filter, id),
            CloudLimits.ItemsPerPage, Json.Default.RouteTableListResponse, a => a.TotalCount,
            a => Tables(a.RouterTableList), scope);

        // A table without an id cannot be read, and to leave it out would be to forget the nodes that it serves.
        static IEnumerable<RouteTable>? Tables(RouteTableListResponse.TableList? list) =>
            list is null || Present(list.RouterTableListType).Any(t => string.IsNullOrWhiteSpace(t.RouteTableId))
                ? null
                : Present(list.RouterTableListType).Select(Table);

        static RouteTable Table(RouteTableListResponse.Table t) => new(
            t.RouteTableId!, t.VpcId ?? "", t.RouteTableType ?? "",
            string.Equals(t.AssociateType, "Gateway", StringComparison.OrdinalIgnoreCase),
            [.. Present(t.VSwitchIds?.VSwitchId).Where(id => !string.IsNullOrWhiteSpace(id))]);
    }

    public async Task<CloudResult<VSwitchFacts>> DescribeVSwitchAttributesAsync(string regionId, string vSwitchId, CancellationToken cancellation)
    {
        using var scope = Begin(cancellation);
        var call = Read(CloudService.Vpc, "DescribeVSwitchAttributes", regionId).With("VSwitchId", vSwitchId);
        var answer = await transport.SendAsync(call, Json.Default.VSwitchResponse, scope);
        if (answer.Error is { } error) return Failed<VSwitchFacts>(error);
        var facts = VSwitch(answer.Value!);
        return facts.VSwitchId.Length > 0 && !string.IsNullOrWhiteSpace(facts.RouteTableId)
            ? new(facts, null, answer.RequestId)
            : Incomplete<VSwitchFacts>(call, answer.RequestId, "the vSwitch or its route table");
    }

    public async Task<CloudResult<IReadOnlyList<VSwitchFacts>>> DescribeVSwitchesAsync(
        string regionId, string vpcId, CancellationToken cancellation)
    {
        using var scope = Begin(cancellation);
        return await ListByNumberAsync(
            () => Read(CloudService.Vpc, "DescribeVSwitches", regionId).With("VpcId", vpcId),
            CloudLimits.ItemsPerPage, Json.Default.VSwitchListResponse, a => a.TotalCount,
            a => a.VSwitches is null ? null : Present(a.VSwitches.VSwitch).Select(VSwitch), scope);
    }

    public async Task<CloudResult<VpcFacts>> DescribeVpcAttributeAsync(string regionId, string vpcId, CancellationToken cancellation)
    {
        using var scope = Begin(cancellation);
        var call = Read(CloudService.Vpc, "DescribeVpcAttribute", regionId).With("VpcId", vpcId);
        var answer = await transport.SendAsync(call, Json.Default.VpcResponse, scope);
        if (answer.Error is { } error) return Failed<VpcFacts>(error);
        return answer.Value is { VpcId: { Length: > 0 } id, CidrBlock: { Length: > 0 } cidr } vpc
            ? new(new VpcFacts(id, cidr, [.. Present(vpc.SecondaryCidrBlocks?.SecondaryCidrBlock)], [.. Present(vpc.UserCidrs?.UserCidr)]),
                null, answer.RequestId)
            : Incomplete<VpcFacts>(call, answer.RequestId, "the VPC or its CIDR block");
    }

    public async Task<CloudResult<RouteEntryQuota>> GetRouteEntryQuotaAsync(string regionId, CancellationToken cancellation)
    {
        if (options is { VpcEndpoint: not null, QuotasEndpoint: null })
            return Failed<RouteEntryQuota>(CloudErrors.BadRequest("the Quotas API is not asked: there is a VPC endpoint of its own and none for quotas"));
        regionId = options.RegionId ?? regionId;
        using var scope = Begin(cancellation);
        // Whether this quota has the dimension of the region is not documented: where it has none, a named one is an error.
        var answer = await AskQuotaAsync(Quota().With("Dimensions.1.Key", "regionId").With("Dimensions.1.Value", regionId));
        return answer.Error is { Kind: CloudErrorKind.Fatal or CloudErrorKind.Unknown } ? await AskQuotaAsync(Quota()) : answer;

        // Its parameters have the position "Body" in the API's metadata, unlike those of VPC and ECS.
        CloudCall Quota() => CloudCall.Form(CloudService.Quotas, "GetProductQuota", regionId)
            .With("ProductCode", "vpc").With("QuotaActionCode", RouteEntryQuota.Code);

        async Task<CloudResult<RouteEntryQuota>> AskQuotaAsync(CloudCall call)
        {
            var answer = await transport.SendAsync(call, Json.Default.QuotaResponse, scope);
            if (answer.Error is { } error) return Failed<RouteEntryQuota>(error);
            return answer.Value!.Quota is { QuotaActionCode: RouteEntryQuota.Code, TotalQuota: >= 0 and <= 1_000_000 and var total } quota
                ? new(new RouteEntryQuota(total, quota.Adjustable ?? false), null, answer.RequestId)
                : Incomplete<RouteEntryQuota>(call, answer.RequestId, "the quota");
        }
    }

    public async Task<CloudResult<IReadOnlyList<InterfaceFacts>>> DescribeNetworkInterfacesAsync(
        string regionId, IReadOnlyList<string> networkInterfaceIds, CancellationToken cancellation)
    {
        using var scope = Begin(cancellation);
        List<InterfaceFacts> all = [];
        var requestId = "";
        foreach (var ids in networkInterfaceIds.Distinct(StringComparer.Ordinal).Chunk(CloudLimits.InterfacesPerCall))
        {
            // The page is 10 unless asked for more, even when the ids are named. By token: page numbers are deprecated.
            var part = await ListByTokenAsync<InterfaceListResponse, InterfaceFacts>(
                () => Read(CloudService.Ecs, "DescribeNetworkInterfaces", regionId)
                    .With("MaxResults", CloudLimits.InterfacesPerCall).With("NetworkInterfaceId", ids),
                Json.Default.InterfaceListResponse, a => a.NextToken,
                a => a.NetworkInterfaceSets is null ? null : [.. Present(a.NetworkInterfaceSets.NetworkInterfaceSet).Select(Interface)],
                scope);
            if (!part.Ok) return part;
            all.AddRange(part.Value!);
            requestId = part.RequestId;
        }

        return new(all, null, requestId);

        static InterfaceFacts Interface(InterfaceListResponse.Interface i) =>
            new(i.NetworkInterfaceId ?? "", string.IsNullOrEmpty(i.InstanceId) ? null : i.InstanceId, i.SourceDestCheck);
    }

    public async Task<CloudResult<Unit>> SwitchOffSourceDestCheckAsync(
        string regionId, string networkInterfaceId, CancellationToken cancellation)
    {
        using var scope = Begin(cancellation);
        var call = Write(CloudService.Ecs, "ModifyNetworkInterfaceAttribute", regionId)
            .With("NetworkInterfaceId", networkInterfaceId).With("SourceDestCheck", false);
        return AsDone(await transport.SendAsync(call, Json.Default.CloudResponse, scope));
    }

    private static VSwitchFacts VSwitch(VSwitchResponse v) =>
        new(v.VSwitchId ?? "", v.VpcId ?? "", v.CidrBlock ?? "", v.RouteTable?.RouteTableId ?? "");

    private static CloudResult<Unit> AsDone<T>(CloudResult<T> result) where T : class =>
        new(result.Ok ? Unit.Instance : null, result.Error, result.RequestId);

    /// <summary>A list without its nulls; an absent one is empty.</summary>
    private static IEnumerable<T> Present<T>(IEnumerable<T?>? items) where T : class => items is null ? [] : items.OfType<T>();
}
