using System.Text.Json.Nodes;

namespace AliCloud.Simulator.Tests;

public sealed class ListingTests
{
    private static readonly (string, string)[] Table = [("RegionId", "cn-hangzhou"), ("RouteTableId", "vtb-1")];

    [Fact]
    public async Task A_list_has_pages_of_ten_entries_by_default()
    {
        await using var test = await TestCloud.StartAsync();
        await FillAsync(test, 30);
        var (seen, pages) = await AllAsync(test);
        Assert.Equal(4, pages); // 30 and 5 of the setup: two custom, three system
        Assert.Equal(35, seen.Distinct().Count());
        Assert.Equal((35, 1),
            ((await AllAsync(test, ("MaxResult", "100"))).Seen.Count, (await AllAsync(test, ("MaxResult", "100"))).Pages));
        Assert.Equal(1, (await AllAsync(test, ("MaxResult", "35"))).Pages); // no token for an empty page
    }

    [Theory]
    [InlineData("0")]
    [InlineData("101")]
    [InlineData("500")]
    [InlineData("-1")]
    [InlineData("ten")]
    public async Task A_page_has_one_to_a_hundred_entries(string maxResult)
    {
        await using var test = await TestCloud.StartAsync();
        (await ListAsync(test, ("MaxResult", maxResult))).MustFail(400, "InvalidParameter");
    }

    [Fact]
    public async Task A_token_expires_and_belongs_to_its_filters()
    {
        await using var test = await TestCloud.StartAsync();
        var token = (string)(await ListAsync(test, ("MaxResult", "2"))).Body["NextToken"]!;
        (await ListAsync(test, ("MaxResult", "2"), ("NextToken", token), ("RouteEntryType", "Custom"))).MustFail(
            400, "IllegalParam.NextToken");
        (await ListAsync(test, ("NextToken", "made up"))).MustFail(400, "IllegalParam.NextToken");
        (await ListAsync(test, ("MaxResult", "100"), ("NextToken", token))).MustSucceed();
        test.Clock.Advance(TimeSpan.FromSeconds(300));
        (await ListAsync(test, ("NextToken", token))).MustFail(400, "IllegalParam.NextTokenExpired");
    }

    [Fact]
    public async Task Entries_that_change_between_pages_are_neither_skipped_nor_repeated()
    {
        await using var test = await TestCloud.StartAsync();
        await FillAsync(test, 20);
        var first = await ListAsync(test, ("MaxResult", "10"));
        var gone = Entries(first)[4]; // on the first page
        test.Cloud.Console.DeleteRoute((string)gone["RouteEntryId"]!);
        test.Cloud.Console.CreateRoute("vtb-1", Clouds.Nat("10.50.0.0/16"));
        var (rest, _) = await AllAsync(test, ("NextToken", (string)first.Body["NextToken"]!));
        var all = Entries(first).Select(e => (string)e["DestinationCidrBlock"]!).Concat(rest).ToList();
        Assert.Equal(26, all.Count);
        Assert.Equal(26, all.Distinct().Count());
        Assert.Contains("10.50.0.0/16", all);
    }

    [Fact]
    public async Task An_entry_is_written_as_documented()
    {
        await using var test = await TestCloud.StartAsync();
        (await test.CreateAsync("10.24.1.0/24")).MustSucceed();
        var entry = Assert.Single(Entries(await ListAsync(test, ("DestinationCidrBlock", "10.24.1.0/24"))));
        Assert.Equal(("Custom", "Pending", "CustomCreate", "ipv4", "vtb-1"),
            ((string?)entry["Type"], (string?)entry["Status"], (string?)entry["Origin"], (string?)entry["IpVersion"],
                (string?)entry["RouteTableId"]));
        var hop = Assert.Single(entry["NextHops"]!["NextHop"]!.AsArray())!;
        Assert.Equal(("i-1", "Instance", 1), ((string?)hop["NextHopId"], (string?)hop["NextHopType"], (int)hop["Enabled"]!));
    }

    [Fact]
    public async Task A_next_hop_that_was_released_is_shown_disabled()
    {
        await using var test = await TestCloud.StartAsync();
        (await test.CreateAsync("10.24.1.0/24", "i-2")).MustSucceed();
        test.Settle();
        await test.Cloud.DeleteInstanceAsync("i-2", force: true);
        var entry = Assert.Single(Entries(await ListAsync(test, ("NextHopId", "i-2"))));
        Assert.Equal(0, (int)entry["NextHops"]!["NextHop"]![0]!["Enabled"]!);
    }

    [Theory]
    [InlineData("RouteEntryType", "Custom", 2)]
    [InlineData("RouteEntryType", "System", 3)]
    [InlineData("RouteEntryType", "BGP", 0)]
    [InlineData("NextHopType", "NatGateway", 2)]
    [InlineData("NextHopId", "ngw-1", 2)]
    [InlineData("ServiceType", "TR", 1)]
    [InlineData("IpVersion", "ipv4", 5)]
    [InlineData("IpVersion", "ipv6", 0)]
    [InlineData("DestinationCidrBlock", "0.0.0.0/0", 1)]
    [InlineData("DestCidrBlockList.1", "0.0.0.0/0", 1)]
    public async Task A_filter_selects_matching_entries(string name, string value, int count)
    {
        await using var test = await TestCloud.StartAsync();
        var reply = await ListAsync(test, (name, value));
        reply.MustSucceed();
        Assert.Equal(count, Entries(reply).Count);
    }

    [Theory]
    [InlineData("RouteEntryType", "custom", "IllegalParam.RouteEntryType")]
    [InlineData("IpVersion", "4", "IllegalParam.IpVersion")]
    [InlineData("NextHopId", "i-none", "InvalidNextHop.NotFound")]
    [InlineData("DestCidrBlockList.21", "10.0.0.0/8", "InvalidParameter")]
    [InlineData("DestCidrBlockList.2", "10.0.0.0/8", "InvalidParameter")] // the first is missing
    [InlineData("VpcId", "vpc-1", "InvalidParameter")]
    public async Task An_invalid_filter_is_rejected(string name, string value, string code)
    {
        await using var test = await TestCloud.StartAsync();
        (await ListAsync(test, (name, value))).MustFail(400, code);
    }

    [Fact]
    public async Task Ids_and_names_filter_custom_entries_only()
    {
        await using var test = await TestCloud.StartAsync();
        (await ListAsync(test, ("RouteEntryType", "System"), ("RouteEntryId", "rte-1"))).MustFail(
            400, "OperationFailed.FilterParamUnderWrongRouteType");
    }

    [Theory]
    [InlineData("vtb-none", "InvalidRouteTable.NotFound")]
    [InlineData("vtb-gw", "OperationDenied.UseGatewayRouteEntryQueryInterface")]
    public async Task Only_tables_of_vSwitches_can_be_listed(string table, string code)
    {
        await using var test = await TestCloud.StartAsync();
        (await test.Vpc.CallAsync("DescribeRouteEntryList", ("RegionId", "cn-hangzhou"), ("RouteTableId", table))).MustFail(400, code);
    }

    private static async Task FillAsync(TestCloud test, int count)
    {
        (await test.CreateManyAsync([.. Enumerable.Range(0, count).Select(n => ($"10.24.{n}.0/24", "i-1"))])).MustSucceed();
        test.Settle();
    }

    private static Task<ApiReply> ListAsync(TestCloud test, params (string, string)[] more) =>
        test.Vpc.CallAsync("DescribeRouteEntryList", [.. Table, .. more]);

    private static List<JsonNode> Entries(ApiReply reply) => [.. reply.Body["RouteEntrys"]!["RouteEntry"]!.AsArray().Select(e => e!)];

    private static async Task<(List<string> Seen, int Pages)> AllAsync(TestCloud test, params (string Name, string Value)[] more)
    {
        var seen = new List<string>();
        for (var pages = 1; ; pages++)
        {
            var reply = await ListAsync(test, more);
            reply.MustSucceed();
            seen.AddRange(Entries(reply).Select(e => (string)e["DestinationCidrBlock"]!));
            var token = (string)reply.Body["NextToken"]!;
            if (token.Length == 0) return (seen, pages);
            more = [.. more.Where(p => p.Name != "NextToken"), ("NextToken", token)];
        }
    }
}
