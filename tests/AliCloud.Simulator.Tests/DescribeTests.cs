using System.Text.Json.Nodes;
using AliCloud.Simulator.Setup;
using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Tests;

public sealed class DescribeTests
{
    private static readonly (string, string) Region = ("RegionId", "cn-hangzhou");

    [Theory]
    [InlineData("vsw-1", "vtb-1", "System")]
    [InlineData("vsw-2", "vtb-2", "Custom")]
    public async Task A_vswitch_names_the_table_that_serves_it(string vSwitch, string table, string type)
    {
        await using var test = await TestCloud.StartAsync();
        var one = await test.Vpc.CallAsync("DescribeVSwitchAttributes", ("VSwitchId", vSwitch));
        Assert.Equal((table, type, "vpc-1"), Of(one.Body));
        var list = await test.Vpc.CallAsync("DescribeVSwitches", Region, ("VSwitchId", vSwitch));
        Assert.Equal((table, type, "vpc-1"), Of(Assert.Single(list.Body["VSwitches"]!["VSwitch"]!.AsArray())!));

        static (string?, string?, string?) Of(JsonNode v) =>
            ((string?)v["RouteTable"]!["RouteTableId"], (string?)v["RouteTable"]!["RouteTableType"], (string?)v["VpcId"]);
    }

    [Fact]
    public async Task A_reassigned_vSwitch_names_its_new_table()
    {
        await using var test = await TestCloud.StartAsync();
        test.Cloud.Console.SetRouteTable("vsw-1", "vtb-2");
        var reply = await test.Vpc.CallAsync("DescribeVSwitchAttributes", ("VSwitchId", "vsw-1"));
        Assert.Equal("vtb-2", (string?)reply.Body["RouteTable"]!["RouteTableId"]);
        (await test.Vpc.CallAsync("DescribeVSwitchAttributes", ("VSwitchId", "vsw-none"))).MustFail(404, "InvalidVSwitchId.NotFound");
    }

    [Fact]
    public async Task Tables_are_listed_with_gateway_ones_among_them_and_in_pages()
    {
        await using var test = await TestCloud.StartAsync();
        for (var n = 0; n < 9; n++)
            test.Cloud.Console.AddRouteTable("vpc-1", new RouteTableSetup { RouteTableId = $"vtb-more-{n}", RouteTableType = "Custom" });
        var first = await ListAsync(test, ("VpcId", "vpc-1"));
        Assert.Equal((12, 10, 10), ((int)first.Body["TotalCount"]!, (int)first.Body["PageSize"]!, Tables(first).Count));
        Assert.Equal(2, Tables(await ListAsync(test, ("VpcId", "vpc-1"), ("PageNumber", "2"))).Count);
        Assert.Empty(Tables(await ListAsync(test, ("VpcId", "vpc-1"), ("PageNumber", "3"))));
        Assert.Equal(12, Tables(await ListAsync(test, ("VpcId", "vpc-1"), ("PageSize", "50"))).Count);
        (await ListAsync(test, ("PageSize", "51"))).MustFail(400, "InvalidParameter");
        (await ListAsync(test, ("PageNumber", "0"))).MustFail(400, "InvalidParameter");
        var gateway = Tables(first).Single(t => (string?)t["RouteTableId"] == "vtb-gw");
        Assert.Equal("Gateway", (string?)gateway["AssociateType"]);
        Assert.Equal(["vsw-2"],
            Tables(first).Single(t => (string?)t["RouteTableId"] == "vtb-2")["VSwitchIds"]!["VSwitchId"]!.AsArray().Select(
            v => (string?)v));

        static Task<ApiReply> ListAsync(TestCloud test, params (string, string)[] more) =>
            test.Vpc.CallAsync("DescribeRouteTableList", [Region, .. more]);
        static List<JsonNode> Tables(ApiReply reply) =>
            [.. reply.Body["RouterTableList"]!["RouterTableListType"]!.AsArray().Select(t => t!)];
    }

    [Fact]
    public async Task A_vpc_is_described_in_the_list_and_alone()
    {
        await using var test = await TestCloud.StartAsync();
        var list = await test.Vpc.CallAsync("DescribeVpcs", Region, ("VpcId", "vpc-1,vpc-2"));
        Assert.Equal(["vpc-1", "vpc-2"], list.Body["Vpcs"]!["Vpc"]!.AsArray().Select(v => (string?)v!["VpcId"]));
        var one = await test.Vpc.CallAsync("DescribeVpcAttribute", Region, ("VpcId", "vpc-2"));
        Assert.Equal("172.16.0.0/12", (string?)one.Body["CidrBlock"]);
        (await test.Vpc.CallAsync("DescribeVpcAttribute", Region, ("VpcId", "vpc-9"))).MustFail(404, "InvalidVpcId.NotFound");
        (await test.Vpc.CallAsync("DescribeVpcAttribute", ("VpcId", "vpc-2"))).MustFail(400, "MissingParameter");
    }

    [Fact]
    public async Task The_summary_counts_by_type()
    {
        await using var test = await TestCloud.StartAsync();
        var reply = await test.Vpc.CallAsync(
            "GetVpcRouteEntrySummary", Region, ("VpcId", "vpc-1"), ("RouteEntryType", "all"), ("RouteTableId", "vtb-1"));
        var table = Assert.Single(reply.Body["RouteEntrySummarys"]!.AsArray())!;
        var counts = table["EntrySummarys"]!.AsArray().ToDictionary(s => (string)s!["RouteEntryType"]!, s => (int)s!["Count"]!);
        Assert.Equal((2, 3, 0), (counts["custom"], counts["system"], counts["bgp"]));
        (await test.Vpc.CallAsync("GetVpcRouteEntrySummary", Region, ("VpcId", "vpc-1"))).MustFail(400, "MissingParameter");
        (await test.Vpc.CallAsync("GetVpcRouteEntrySummary", Region, ("VpcId", "vpc-1"), ("RouteEntryType", "Custom")))
            .MustFail(400, "IllegalParam.RouteEntryType");
    }

    [Fact]
    public async Task A_new_interface_has_the_source_destination_check_until_it_is_disabled()
    {
        await using var test = await TestCloud.StartAsync();
        async Task<bool> Checked(string id) =>
            (bool)(await test.Ecs.CallAsync(
                "DescribeNetworkInterfaceAttribute", Region, ("NetworkInterfaceId", id))).Body["SourceDestCheck"]!;
        Assert.True(await Checked("eni-1"));
        Assert.False(await Checked("eni-1b"));
        (await test.Ecs.CallAsync("ModifyNetworkInterfaceAttribute", Region, ("NetworkInterfaceId", "eni-1"), ("SourceDestCheck", "no")))
            .MustFail(400, "InvalidParameter");
        (await test.Ecs.CallAsync("ModifyNetworkInterfaceAttribute", Region, ("NetworkInterfaceId", "eni-9"), ("SourceDestCheck", "false")))
            .MustFail(404, "InvalidEniId.NotFound");
        (await test.Ecs.CallAsync(
            "ModifyNetworkInterfaceAttribute", Region, ("NetworkInterfaceId", "eni-1"), ("SourceDestCheck", "false"))).MustSucceed();
        Assert.False(await Checked("eni-1"));
        var list = await test.Ecs.CallAsync(
            "DescribeNetworkInterfaces", Region, ("NetworkInterfaceId.1", "eni-1"), ("NetworkInterfaceId.2", "eni-2"));
        Assert.Equal([("eni-1", false), ("eni-2", true)], list.Body["NetworkInterfaceSets"]!["NetworkInterfaceSet"]!.AsArray()
            .Select(i => ((string)i!["NetworkInterfaceId"]!, (bool)i["SourceDestCheck"]!)));
    }

    [Fact]
    public async Task Interfaces_are_listed_by_token_or_by_page_number()
    {
        await using var test = await TestCloud.StartAsync(w => w with { Instances = [.. w.Instances, .. Many(23)] });
        var (ids, pages, next) = (new List<string>(), 0, "");
        do
        {
            var page = await test.Ecs.CallAsync("DescribeNetworkInterfaces",
                [Region, ("MaxResults", "10"), .. next.Length > 0 ? [("NextToken", next)] : Array.Empty<(string, string)>()]);
            page.MustSucceed();
            Assert.Equal(0, (int)page.Body["TotalCount"]!);
            ids.AddRange(page.Body["NetworkInterfaceSets"]!["NetworkInterfaceSet"]!.AsArray().Select(
                i => (string)i!["NetworkInterfaceId"]!));
            next = (string)page.Body["NextToken"]!;
            pages++;
        }
        while (next.Length > 0);
        Assert.Equal(test.Cloud.State.Snapshot().Interfaces.Select(i => i.NetworkInterfaceId), ids);
        Assert.InRange(pages, 3, 4);
        (await test.Ecs.CallAsync("DescribeNetworkInterfaces", Region, ("MaxResults", "9"))).MustFail(400, "InvalidParameter");
        (await test.Ecs.CallAsync("DescribeNetworkInterfaces", Region, ("MaxResults", "10"), ("PageNumber", "1"))).MustFail(
            400, "InvalidParameter");
        (await test.Ecs.CallAsync("DescribeNetworkInterfaces", Region, ("NextToken", "made-up"))).MustFail(
            400, "InvalidParameter.NextToken");

        static IEnumerable<InstanceSetup> Many(int count) => Enumerable.Range(0, count).Select(i => new InstanceSetup
        {
            InstanceId = $"i-m{i}",
            Interfaces = [new InterfaceSetup { NetworkInterfaceId = $"eni-m{i}",
                Mac = $"00:16:3e:01:00:{i:x2}", VSwitchId = "vsw-1", PrivateIp = $"192.168.1.{100 + i}" }],
        });
    }

    [Fact]
    public async Task An_unknown_path_is_not_found()
    {
        await using var test = await TestCloud.StartAsync();
        using var unknownVersion = new SigningClient(test.Cloud.Api, test.Clock) { Version = "2014-05-27" };
        (await test.Vpc.CallAsync("DescribeRouteTables", Region)).MustFail(404, "InvalidAction.NotFound"); // deprecated
        (await test.Ecs.CallAsync("DescribeVSwitches", Region)).MustFail(404, "InvalidAction.NotFound"); // of another service
        (await unknownVersion.CallAsync("DescribeNetworkInterfaces", Region)).MustFail(400, "InvalidVersion");
        (await test.Vpc.CallAsync("DescribeVpcs", ("RegionId", "cn-shanghai"))).MustFail(404, "InvalidRegionId.NotFound");
        (await test.Vpc.CallAsync("DescribeVpcs")).MustFail(400, "MissingParameter");
        (await test.Vpc.CallAsync("DescribeVpcs", Region, ("regionId", "cn-hangzhou"))).MustFail(400, "InvalidParameter");
        (await test.Vpc.CallAsync("DescribeVpcs", Region, ("OwnerId", "1"))).MustSucceed();
    }

    [Fact]
    public async Task A_dry_run_checks_permissions_and_parameters_and_changes_nothing()
    {
        await using var test = await TestCloud.StartAsync();
        using var reader = test.Client("LTAIread");
        (string, string)[] create = [("RouteTableId", "vtb-1"), ("DestinationCidrBlock", "10.24.1.0/24"), ("NextHopId", "i-1"),
            ("DryRun", "true")];
        (string, string)[] batch = [Region, .. TestCloud.Item(1, "vtb-1", "10.24.1.0/24", "i-1"), ("DryRun", "true")];
        var before = test.Cloud.State.Snapshot();
        (await test.Vpc.CallAsync("CreateRouteEntry", create)).MustFail(400, "DryRunOperation");
        (await test.Vpc.CallAsync("CreateRouteEntries", batch)).MustFail(400, "DryRunOperation");
        (await test.Vpc.CallAsync("DescribeVSwitchAttributes", ("VSwitchId", "vsw-1"), ("DryRun", "true"))).MustFail(
            400, "DryRunOperation");
        (await reader.CallAsync("CreateRouteEntry", create)).MustFail(403, "Forbidden.RAM");
        (await test.Vpc.CallAsync("CreateRouteEntry", [.. create.Where(p => p.Item1 != "NextHopId"), ("NextHopId", "i-9")]))
            .MustFail(404, "InvalidNextHopId.NotFound");
        Assert.Equal(before.Version, test.Cloud.State.Snapshot().Version);
    }
}
