using Flannel.AliCloud.Http;

namespace Flannel.AliCloud.Vpc;

/// <summary>Reads VPCs, vSwitches and route tables with the VPC API (2016-04-28).</summary>
internal sealed class VpcApi(ApiClient client)
{
    /// <summary>All route tables of a VPC.</summary>
    public Task<CloudResult<IReadOnlyList<RouteTable>>> ListRouteTablesAsync(
        string regionId, string vpcId, CancellationToken cancellation) =>
        ListRouteTablesAsync(regionId, "VpcId", vpcId, cancellation);

    /// <summary>One route table by its id; an empty list if it does not exist.</summary>
    public Task<CloudResult<IReadOnlyList<RouteTable>>> FindRouteTableAsync(
        string regionId, string routeTableId, CancellationToken cancellation) =>
        ListRouteTablesAsync(regionId, "RouteTableId", routeTableId, cancellation);

    public async Task<CloudResult<VSwitchAttributes>> ReadVSwitchAsync(string regionId, string vSwitchId, CancellationToken cancellation)
    {
        var call = client.Read("DescribeVSwitchAttributes", regionId).With("VSwitchId", vSwitchId);
        var result = await client.SendAsync(call, VpcJson.Default.VSwitchResponse, cancellation);
        if (result.Error is { } error) return CloudResult.Failed<VSwitchAttributes>(error);
        var attributes = Convert(result.Value!);
        return attributes.VSwitchId.Length > 0 && !string.IsNullOrWhiteSpace(attributes.RouteTableId)
            ? CloudResult.Success(attributes, result.RequestId)
            : ApiClient.Incomplete<VSwitchAttributes>(call, result.RequestId, "the vSwitch or its route table");
    }

    public Task<CloudResult<IReadOnlyList<VSwitchAttributes>>> ListVSwitchesAsync(
        string regionId, string vpcId, CancellationToken cancellation) =>
        client.ListByNumberAsync(
            () => client.Read("DescribeVSwitches", regionId).With("VpcId", vpcId),
            VpcJson.Default.VSwitchListResponse, response => response.TotalCount,
            response => response.VSwitches is null ? null : ApiClient.Present(response.VSwitches.VSwitch).Select(Convert), cancellation);

    public async Task<CloudResult<VpcAttributes>> ReadVpcAsync(string regionId, string vpcId, CancellationToken cancellation)
    {
        var call = client.Read("DescribeVpcAttribute", regionId).With("VpcId", vpcId);
        var result = await client.SendAsync(call, VpcJson.Default.VpcResponse, cancellation);
        if (result.Error is { } error) return CloudResult.Failed<VpcAttributes>(error);
        if (result.Value is not { VpcId: { Length: > 0 } id, CidrBlock: { Length: > 0 } cidr } vpc)
            return ApiClient.Incomplete<VpcAttributes>(call, result.RequestId, "the VPC or its CIDR block");
        var secondary = ApiClient.Present(vpc.SecondaryCidrBlocks?.SecondaryCidrBlock);
        var user = ApiClient.Present(vpc.UserCidrs?.UserCidr);
        var attributes = new VpcAttributes(id, cidr, [.. secondary], [.. user]) { Ipv6CidrBlock = vpc.Ipv6CidrBlock ?? "" };
        return CloudResult.Success(attributes, result.RequestId);
    }

    private Task<CloudResult<IReadOnlyList<RouteTable>>> ListRouteTablesAsync(
        string regionId, string filter, string id, CancellationToken cancellation) =>
        client.ListByNumberAsync(
            () => client.Read("DescribeRouteTableList", regionId).With(filter, id),
            VpcJson.Default.RouteTableListResponse, response => response.TotalCount, RouteTables, cancellation);

    /// <summary>Null if a table has no id: without it, the routes of the nodes that it serves would be missed.</summary>
    private static IEnumerable<RouteTable>? RouteTables(RouteTableListResponse response)
    {
        if (response.RouterTableList is not { } list) return null;
        var tables = ApiClient.Present(list.RouterTableListType).ToList();
        return tables.Exists(table => string.IsNullOrWhiteSpace(table.RouteTableId)) ? null : tables.Select(Convert);
    }

    private static RouteTable Convert(RouteTableListResponse.Table table) => new(
        table.RouteTableId!, table.VpcId ?? "",
        string.Equals(table.AssociateType, "Gateway", StringComparison.OrdinalIgnoreCase),
        [.. ApiClient.Present(table.VSwitchIds?.VSwitchId).Where(id => !string.IsNullOrWhiteSpace(id))]);

    private static VSwitchAttributes Convert(VSwitchResponse response) =>
        new(response.VSwitchId ?? "", response.VpcId ?? "", response.CidrBlock ?? "", response.RouteTable?.RouteTableId ?? "")
        {
            Ipv6CidrBlock = response.Ipv6CidrBlock ?? "",
        };
}
