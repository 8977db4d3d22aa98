using System.Net;
using AliCloud.Simulator.Setup;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Tests.Support;
using Flannel.AliCloud.Vpc;
using static Flannel.AliCloud.Tests.Support.TestCloud;

namespace Flannel.AliCloud.Tests;

public class CloudApiDiscoveryTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task All_tables_of_a_VPC_are_listed_over_all_pages()
    {
        await using var cloud = await StartAsync();
        for (var i = 0; i < 110; i++)
            cloud.Cloud.Console.AddRouteTable("vpc-1", new RouteTableSetup { RouteTableId = $"vtb-more-{i}", RouteTableType = "Custom" });
        var tables = (await cloud.Api.DescribeRouteTableListAsync(Region, "vpc-1", Token)).Value!;
        Assert.Equal(113, tables.Select(t => t.RouteTableId).Distinct().Count());
        Assert.Equal(3, cloud.Cloud.Calls.Count("vpc", "DescribeRouteTableList"));
        var first = Assert.Single(tables, t => t.RouteTableId == "vtb-1");
        Assert.Equal(("vpc-1", false), (first.VpcId, first.IsGateway));
        Assert.Equal(["vsw-1"], first.VSwitchIds);
        Assert.True(Assert.Single(tables, t => t.RouteTableId == "vtb-gw").IsGateway);
    }

    [Fact]
    public async Task A_vSwitch_names_the_table_that_serves_it()
    {
        await using var cloud = await StartAsync();
        Assert.Equal(new VSwitchAttributes("vsw-2", "vpc-1", "192.168.2.0/24", "vtb-2"),
            (await cloud.Api.DescribeVSwitchAttributesAsync(Region, "vsw-2", Token)).Value);
        Assert.Equal(["vtb-1", "vtb-2"],
            (await cloud.Api.DescribeVSwitchesAsync(Region, "vpc-1", Token)).Value!.OrderBy(v => v.VSwitchId).Select(v => v.RouteTableId));
    }

    [Fact]
    public async Task A_vSwitch_that_does_not_exist_is_fatal()
    {
        await using var cloud = await StartAsync();
        var answer = await cloud.Api.DescribeVSwitchAttributesAsync(Region, "vsw-none", Token);
        Assert.Equal(CloudErrorKind.Fatal, answer.Error!.Kind);
        Assert.Equal(answer.RequestId, answer.Error.RequestId);
        Assert.NotEmpty(answer.RequestId);
    }

    [Fact]
    public async Task A_VPC_has_all_its_CIDR_blocks()
    {
        await using var cloud = await StartAsync();
        var vpc = (await cloud.Api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Value!;
        Assert.Equal(("vpc-1", "192.168.0.0/16"), (vpc.VpcId, vpc.CidrBlock));
        Assert.Equal(["10.8.0.0/16"], vpc.SecondaryCidrBlocks);
        Assert.Equal(["30.0.0.0/16"], vpc.UserCidrs);
    }

    [Fact]
    public async Task More_than_a_hundred_interfaces_take_several_calls()
    {
        var many = Enumerable.Range(0, 130).Select(
            i => Instance($"i-m{i}", Interface($"eni-m{i}", 100 + i, "vsw-1", $"192.168.1.{20 + i}")) with { MetadataPort = null });
        await using var cloud = await StartAsync(w => w with { Instances = [.. w.Instances, .. many] });
        var ids = Enumerable.Range(0, 130).Select(i => $"eni-m{i}").Append("eni-gone").Append("eni-m0").ToList();
        var interfaces = (await cloud.Api.DescribeNetworkInterfacesAsync(Region, ids, Token)).Value!;
        Assert.Equal(130, interfaces.Count);
        Assert.Equal(130, interfaces.Select(f => f.NetworkInterfaceId).Distinct().Count());
        Assert.All(interfaces, f => Assert.True(f.SourceDestCheck));
        Assert.Equal(2, cloud.Cloud.Calls.Count("ecs", "DescribeNetworkInterfaces"));
    }

    [Fact]
    public async Task Interfaces_are_listed_by_token_until_there_is_none()
    {
        var handler = new StubHandler((_, n, _) => Task.FromResult(StubHandler.Answer(HttpStatusCode.OK,
            $$$"""{"RequestId":"R","TotalCount":0,"NextToken":"{{{(n == 0 ? "t1" : "")}}}","NetworkInterfaceSets":{"NetworkInterfaceSet":[{"NetworkInterfaceId":"eni-{{{n}}}"}]}}""")));
        using var api = new CloudApi(Contexts.Create(handler: handler), StaticCredentials.Of(KeyId, KeySecret));
        var interfaces = (await api.DescribeNetworkInterfacesAsync(Region, ["eni-0", "eni-1"], Token)).Value!;
        Assert.Equal(["eni-0", "eni-1"], interfaces.Select(f => f.NetworkInterfaceId));
        Assert.DoesNotContain("NextToken", handler.Requests[0].Address.Query, StringComparison.Ordinal);
        Assert.Contains("NextToken=t1", handler.Requests[1].Address.Query, StringComparison.Ordinal);
        Assert.All(handler.Requests, r => Assert.Contains("MaxResults=100", r.Address.Query, StringComparison.Ordinal));
        Assert.All(handler.Requests, r => Assert.DoesNotContain("Page", r.Address.Query, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    public async Task A_table_without_an_id_makes_the_listing_incomplete(string id)
    {
        var body =
            $$$"""{"RequestId":"R","TotalCount":2,"RouterTableList":{"RouterTableListType":[{"RouteTableId":"vtb-1"},{"RouteTableId":"{{{id}}}"}]}}""";
        using var api = new CloudApi(
            Contexts.Create(handler: StubHandler.Always(HttpStatusCode.OK, body)), StaticCredentials.Of(KeyId, KeySecret));
        var error = (await api.DescribeRouteTableListAsync(Region, "vpc-1", Token)).Error!;
        Assert.Equal((CloudErrorKind.Retry, "<answer>"), (error.Kind, error.Code));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    public async Task A_vSwitch_without_the_id_of_its_table_is_incomplete(string id)
    {
        var body = $$$"""{"RequestId":"R","VSwitchId":"vsw-1","VpcId":"vpc-1","RouteTable":{"RouteTableId":"{{{id}}}"}}""";
        using var api = new CloudApi(
            Contexts.Create(handler: StubHandler.Always(HttpStatusCode.OK, body)), StaticCredentials.Of(KeyId, KeySecret));
        var error = (await api.DescribeVSwitchAttributesAsync(Region, "vsw-1", Token)).Error!;
        Assert.Equal((CloudErrorKind.Retry, "<answer>"), (error.Kind, error.Code));
    }

    [Fact]
    public async Task No_interfaces_take_no_call()
    {
        await using var cloud = await StartAsync();
        Assert.Empty((await cloud.Api.DescribeNetworkInterfacesAsync(Region, [], Token)).Value!);
        Assert.Empty(cloud.Cloud.Calls.All);
    }

    [Fact]
    public async Task The_source_destination_check_of_an_interface_is_disabled()
    {
        await using var cloud = await StartAsync();
        Assert.True((await cloud.Api.DisableSourceDestCheckAsync(Region, "eni-1", Token)).Ok);
        var interfaces = (await cloud.Api.DescribeNetworkInterfacesAsync(Region, ["eni-1", "eni-2"], Token)).Value!;
        Assert.False(Assert.Single(interfaces, f => f.NetworkInterfaceId == "eni-1").SourceDestCheck);
        Assert.True(Assert.Single(interfaces, f => f.NetworkInterfaceId == "eni-2").SourceDestCheck);
    }
}
