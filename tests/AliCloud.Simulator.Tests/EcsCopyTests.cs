using System.Text.Json.Nodes;
using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Tests;

/// <summary>The deprecated ECS actions of VPC routes, in the order in which flannel v0.19.2 calls them.</summary>
public sealed class EcsCopyTests
{
    private static readonly (string, string) Region = ("RegionId", "cn-hangzhou");

    [Fact]
    public async Task A_vpc_names_its_router_and_the_router_its_tables()
    {
        await using var test = await TestCloud.StartAsync();
        var vpc = Assert.Single((await test.Ecs.CallAsync("DescribeVpcs", Region, ("VpcId", "vpc-1"))).Body["Vpcs"]!["Vpc"]!.AsArray())!;
        Assert.Equal(("vrt-vpc-1", "192.168.0.0/16", "Available"),
            ((string?)vpc["VRouterId"], (string?)vpc["CidrBlock"], (string?)vpc["Status"]));
        var routers = await test.Ecs.CallAsync("DescribeVRouters", Region, ("VRouterId", "vrt-vpc-1"));
        var router = Assert.Single(routers.Body["VRouters"]!["VRouter"]!.AsArray())!;
        Assert.Equal(["vtb-1", "vtb-2", "vtb-gw"], router["RouteTableIds"]!["RouteTableId"]!.AsArray().Select(id => (string?)id));

        Assert.Equal(2, (int)(await test.Ecs.CallAsync("DescribeVRouters", Region)).Body["TotalCount"]!);
        Assert.Empty((await test.Ecs.CallAsync("DescribeVpcs", Region, ("IsDefault", "true"))).Body["Vpcs"]!["Vpc"]!.AsArray());
        (await test.Ecs.CallAsync("DescribeVpcs")).MustFail(400, "MissingParameter");
        (await test.Ecs.CallAsync("DescribeVRouters")).MustFail(400, "MissingParameter");
        (await test.Ecs.CallAsync("DescribeVpcs", Region, ("DryRun", "true"))).MustFail(400, "InvalidParameter");
    }

    [Fact]
    public async Task A_table_is_described_with_its_entries()
    {
        await using var test = await TestCloud.StartAsync();
        (await test.CreateAsync("10.24.1.0/24")).MustSucceed();
        var entry = await EntryAsync(test, "10.24.1.0/24");
        Assert.Equal(("vtb-1", "Custom", "Pending", "Instance", "i-1"), ((string?)entry["RouteTableId"], (string?)entry["Type"],
            (string?)entry["Status"], (string?)entry["NextHopType"], (string?)entry["InstanceId"]));
        Assert.Equal("i-1", (string?)Assert.Single(entry["NextHops"]!["NextHop"]!.AsArray())!["NextHopId"]);
        test.Settle();
        Assert.Equal("Available", (string?)(await EntryAsync(test, "10.24.1.0/24"))["Status"]);
        Assert.Equal(("NatGateway", ""), await EntryAsync(test, "0.0.0.0/0") is { } nat
            ? ((string?)nat["NextHopType"], (string?)nat["InstanceId"]) : default);
    }

    [Fact]
    public async Task Tables_are_found_by_router_id_and_name()
    {
        await using var test = await TestCloud.StartAsync();
        Assert.Equal(["vtb-other"], await TablesAsync(test, ("VRouterId", "vrt-vpc-2")));
        Assert.Equal(["vtb-2"], await TablesAsync(test, ("RouterId", "vrt-vpc-1"), ("RouteTableId", "vtb-2")));
        Assert.Empty(await TablesAsync(test, ("VRouterId", "vrt-vpc-2"), ("RouteTableId", "vtb-2")));
        Assert.Empty(await TablesAsync(test, ("RouteTableId", "vtb-2"), ("RouterType", "VBR")));
        Assert.Empty(await TablesAsync(test, ("RouteTableName", "another")));
        (await test.Ecs.CallAsync("DescribeRouteTables", Region)).MustFail(400, "MissingParameter");
        (await test.Ecs.CallAsync("DescribeRouteTables", ("VRouterId", "vrt-vpc-1")))
            .MustFail(400, "OperationDenied.UseGatewayRouteEntryQueryInterface");

        static async Task<IEnumerable<string?>> TablesAsync(TestCloud test, params (string, string)[] filter) =>
            (await test.Ecs.CallAsync("DescribeRouteTables", filter)).Body["RouteTables"]!["RouteTable"]!.AsArray()
                .Select(table => (string?)table!["RouteTableId"]);
    }

    [Fact]
    public async Task An_entry_is_created_and_deleted_under_the_rules_of_the_vpc_action()
    {
        await using var test = await TestCloud.StartAsync();
        (string, string)[] entry = [("RouteTableId", "vtb-1"), ("DestinationCidrBlock", "10.24.1.0/24"), ("NextHopId", "i-1")];
        var created = await test.Ecs.CallAsync("CreateRouteEntry", [.. entry, ("NextHopType", "Instance")]);
        created.MustSucceed();
        Assert.Equal(["RequestId"], created.Body.AsObject().Select(member => member.Key));
        (await test.Ecs.CallAsync("CreateRouteEntry", entry)).MustFail(400, "TaskConflict");
        test.Settle();
        (await test.Ecs.CallAsync("CreateRouteEntry", entry)).MustFail(400, "InvalidCIDRBlock.Duplicate");
        (await test.Ecs.CallAsync("CreateRouteEntry", [.. entry[..1], ("DestinationCidrBlock", "10.24.2.0/24"), ("NextHopId", "i-9")]))
            .MustFail(404, "InvalidNextHopId.NotFound");
        (await test.Ecs.CallAsync("CreateRouteEntry", [.. entry, ("RouteEntryName", "name")])).MustFail(400, "InvalidParameter");
        (await test.Ecs.CallAsync("DeleteRouteEntry", [.. entry[..2], ("NextHopId", "i-2")])).MustFail(404, "InvalidRouteEntry.NotFound");
        (await test.Ecs.CallAsync("DeleteRouteEntry", ("RouteEntryId", "rte-1"))).MustFail(400, "InvalidParameter");
        (await test.Ecs.CallAsync("DeleteRouteEntry", entry)).MustSucceed();
        test.Settle();
        Assert.DoesNotContain(test.Cloud.State.CustomRoutes(), route => route.DestinationCidrBlock == "10.24.1.0/24");
    }

    [Fact]
    public async Task A_client_token_with_other_parameters_is_rejected()
    {
        await using var test = await TestCloud.StartAsync();
        (string, string)[] entry =
            [("RouteTableId", "vtb-1"), ("DestinationCidrBlock", "10.24.1.0/24"), ("NextHopId", "i-1"), ("ClientToken", "token-1")];
        (await test.Ecs.CallAsync("CreateRouteEntry", entry)).MustSucceed();
        (await test.Ecs.CallAsync("CreateRouteEntry", entry)).MustSucceed();
        (await test.Ecs.CallAsync("CreateRouteEntry", [.. entry, ("NextHopType", "Instance")]))
            .MustFail(400, "IdempotentParameterMismatch");
        Assert.Single(test.Cloud.State.CustomRoutes(), route => route.DestinationCidrBlock == "10.24.1.0/24");
    }

    [Fact]
    public async Task The_permission_is_that_of_the_vpc_action()
    {
        await using var test = await TestCloud.StartAsync();
        using var reader = new RpcSigningClient(test.Cloud.Api, test.Clock, "LTAIread");
        (await reader.CallAsync("DescribeVpcs", Region)).MustSucceed();
        var denied = await reader.CallAsync(
            "CreateRouteEntry", ("RouteTableId", "vtb-1"), ("DestinationCidrBlock", "10.24.1.0/24"), ("NextHopId", "i-1"));
        denied.MustFail(403, "Forbidden.RAM");
        Assert.Equal("vpc:CreateRouteEntry", (string?)denied.Body["AccessDeniedDetail"]!["AuthAction"]);
    }

    private static async Task<JsonNode> EntryAsync(TestCloud test, string destination)
    {
        var reply = await test.Ecs.CallAsync("DescribeRouteTables", ("VRouterId", "vrt-vpc-1"), ("RouteTableId", "vtb-1"));
        var table = Assert.Single(reply.Body["RouteTables"]!["RouteTable"]!.AsArray())!;
        return table["RouteEntrys"]!["RouteEntry"]!.AsArray().Single(e => (string?)e!["DestinationCidrBlock"] == destination)!;
    }
}
