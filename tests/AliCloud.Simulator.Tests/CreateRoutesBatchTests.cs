using System.Text.Json.Nodes;
using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Tests;

public sealed class CreateRoutesBatchTests
{
    [Fact]
    public async Task A_batch_is_one_write()
    {
        await using var test = await TestCloud.StartAsync();
        var reply = await test.CreateManyAsync([.. Enumerable.Range(0, 50).Select(n => ($"10.24.{n}.0/24", n % 2 == 0 ? "i-1" : "i-3"))]);
        reply.MustSucceed();
        Assert.Equal((50, 0, 50),
            ((int)reply.Body["SuccessCount"]!, (int)reply.Body["FailedCount"]!, reply.Body["RouteEntryIds"]!.AsArray().Count));
        Assert.Empty(reply.Body["FailedRouteEntries"]!.AsArray());
        Assert.Equal(50, test.Cloud.State.CustomRoutes().Count(r => r.Status == EntryState.Pending));
        test.Settle();
        Assert.All(test.Cloud.State.CustomRoutes(), r => Assert.Equal(EntryState.Available, r.Status));
    }

    [Fact]
    public async Task A_batch_of_51_entries_is_too_large()
    {
        await using var test = await TestCloud.StartAsync();
        (await test.CreateManyAsync([.. Enumerable.Range(0, 51).Select(n => ($"10.24.{n}.0/24", "i-1"))])).MustFail(
            400, "InvalidParameter");
    }

    [Theory]
    [InlineData("10.24.1.0/24", "i-1", "VPC_ROUTE_ENTRY_CIDR_BLOCK_DUPLICATE")]
    [InlineData("10.24.2.0/24", "i-none", "InvalidNextHopId.NotFound")]
    [InlineData("10.24.2.0/24", "i-other", "OperationFailed.InstanceDismatchCurrentVpc")]
    [InlineData("10.24.2.1/24", "i-1", "InvalidCidrBlock")]
    [InlineData("10.24.2", "i-1", "InvalidCidrBlock.Malformed")]
    [InlineData("192.168.0.0/16", "i-1", "OperationUnsupported.DestinationCidrBlockOverlapWithVSwitch")] // stricter than the single call
    [InlineData("100.64.0.0/10", "i-1", "InvalidDestinationCidrBlock")]
    [InlineData("100.64.1.0/24", "i-1", "InvalidDestinationCidrBlock")] // inside it: the single call accepts it
    [InlineData("0.0.0.0/0", "i-1", "VPC_ROUTE_ENTRY_CIDR_BLOCK_DUPLICATE")]
    public async Task An_invalid_entry_fails_alone(string destination, string nextHop, string code)
    {
        await using var test = await TestCloud.StartAsync();
        (await test.CreateAsync("10.24.1.0/24")).MustSucceed();
        test.Settle();
        var reply = await test.CreateManyAsync(("10.24.8.0/24", "i-1"), (destination, nextHop), ("10.24.9.0/24", "i-1"));
        reply.MustSucceed();
        Assert.Equal((2, 1), ((int)reply.Body["SuccessCount"]!, (int)reply.Body["FailedCount"]!));
        var failed = reply.Body["FailedRouteEntries"]![0]!;
        Assert.Equal((destination, nextHop, code),
            ((string?)failed["DstCidrBlock"], (string?)failed["NextHop"], (string?)failed["FailedCode"]));
        Assert.NotEmpty((string)failed["FailedMessage"]!);
        Assert.Equal(["10.24.8.0/24", "10.24.9.0/24"],
            test.Cloud.State.CustomRoutes().Where(r => r.Status == EntryState.Pending).Select(r => r.DestinationCidrBlock));
    }

    [Fact]
    public async Task An_address_without_a_length_is_a_32_bit_destination()
    {
        await using var test = await TestCloud.StartAsync();
        (await test.CreateManyAsync(("10.24.2.1", "i-1"))).MustSucceed();
        Assert.Contains(test.Cloud.State.CustomRoutes(), r => r.DestinationCidrBlock == "10.24.2.1/32");
    }

    [Fact]
    public async Task A_batch_with_only_failures_succeeds_and_is_no_write()
    {
        await using var test = await TestCloud.StartAsync();
        var reply = await test.CreateManyAsync(("0.0.0.0/0", "i-1"), ("10.24.1.0/24", "i-none"));
        reply.MustSucceed();
        Assert.Equal((0, 2), ((int)reply.Body["SuccessCount"]!, (int)reply.Body["FailedCount"]!));
        (await test.CreateAsync("10.24.1.0/24")).MustSucceed();
    }

    [Fact]
    public async Task The_same_destination_twice_in_a_batch_is_a_duplicate_once()
    {
        await using var test = await TestCloud.StartAsync();
        var reply = await test.CreateManyAsync(("10.24.1.0/24", "i-1"), ("10.24.1.0/24", "i-2"));
        Assert.Equal("VPC_ROUTE_ENTRY_CIDR_BLOCK_DUPLICATE", (string?)reply.Body["FailedRouteEntries"]![0]!["FailedCode"]);
        Assert.Equal("i-1", test.Cloud.State.CustomRoutes().Single(r => r.DestinationCidrBlock == "10.24.1.0/24").NextHopId);
    }

    [Fact]
    public async Task The_quota_fails_the_rest_of_a_batch()
    {
        await using var test = await TestCloud.StartAsync(w => w with { Settings = w.Settings with { RouteEntryQuota = 3 } });
        var reply = await test.CreateManyAsync(("10.24.1.0/24", "i-1"), ("10.24.2.0/24", "i-1"), ("10.24.3.0/24", "i-1"));
        Assert.Equal((2, 1), ((int)reply.Body["SuccessCount"]!, (int)reply.Body["FailedCount"]!));
        Assert.Equal("QuotaExceeded", (string?)reply.Body["FailedRouteEntries"]![0]!["FailedCode"]);
    }

    [Fact]
    public async Task A_batch_may_fill_several_tables_of_one_vpc_but_not_of_two()
    {
        await using var test = await TestCloud.StartAsync();
        (await test.Vpc.CallAsync("CreateRouteEntries", [("RegionId", "cn-hangzhou"),
            .. TestCloud.Item(1, "vtb-1", "10.24.1.0/24", "i-1"), .. TestCloud.Item(2, "vtb-other", "10.24.2.0/24", "i-other")]))
            .MustFail(400, "InvalidParameter");
        (await test.Vpc.CallAsync("CreateRouteEntries", [("RegionId", "cn-hangzhou"),
            .. TestCloud.Item(1, "vtb-1", "10.24.1.0/24", "i-1"), .. TestCloud.Item(2, "vtb-gw", "10.24.1.0/24", "i-1")]))
            .MustFail(400, "OperationDenied.GatewayRouteTableNotPermitted");
        var reply = await test.Vpc.CallAsync("CreateRouteEntries", [("RegionId", "cn-hangzhou"),
            .. TestCloud.Item(1, "vtb-1", "10.24.1.0/24", "i-1"), .. TestCloud.Item(2, "vtb-2", "10.24.1.0/24", "i-1")]);
        Assert.Equal(2, (int)reply.Body["SuccessCount"]!);
    }

    [Fact]
    public async Task A_batch_takes_no_client_token_and_no_unknown_member()
    {
        await using var test = await TestCloud.StartAsync();
        var good = ((string, string)[])[("RegionId", "cn-hangzhou"), .. TestCloud.Item(1, "vtb-1", "10.24.1.0/24", "i-1")];
        (await test.Vpc.CallAsync("CreateRouteEntries", [.. good, ("ClientToken", "t")])).MustFail(400, "InvalidParameter");
        (await test.Vpc.CallAsync("CreateRouteEntries", [.. good, ("RouteEntries.1.DestinationCidrBlock", "10.24.1.0/24")])).MustFail(
            400, "InvalidParameter");
        (await test.Vpc.CallAsync("CreateRouteEntries", [.. good, .. TestCloud.Item(3, "vtb-1", "10.24.3.0/24", "i-1")])).MustFail(
            400, "InvalidParameter");
        (await test.Vpc.CallAsync("CreateRouteEntries", ("RegionId", "cn-hangzhou"))).MustFail(400, "MissingParameter");
        (await test.Vpc.CallAsync("CreateRouteEntries", [.. good.Where(p => !p.Item1.EndsWith("NextHopType", StringComparison.Ordinal))]))
            .MustFail(400, "MissingParameter");
        Assert.DoesNotContain(test.Cloud.State.CustomRoutes(), r => r.DestinationCidrBlock.StartsWith("10.24.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Names_and_descriptions_are_kept_and_limited()
    {
        await using var test = await TestCloud.StartAsync();
        Task<ApiReply> Create(string name) => test.Vpc.CallAsync("CreateRouteEntries", [("RegionId", "cn-hangzhou"),
            .. TestCloud.Item(1, "vtb-1", "10.24.1.0/24", "i-1"), ("RouteEntries.1.Name", name), ("RouteEntries.1.Description", "ours")]);
        (await Create("https://example.com")).MustFail(400, "InvalidParameter");
        (await Create(new string('x', 129))).MustFail(400, "InvalidParameter");
        (await Create("flannel:/coreos.com/network")).MustSucceed();
        var reply = await test.Vpc.CallAsync("DescribeRouteEntryList", ("RegionId", "cn-hangzhou"), ("RouteTableId", "vtb-1"),
            ("RouteEntryName", "flannel:/coreos.com/network"));
        JsonNode entry = Assert.Single(reply.Body["RouteEntrys"]!["RouteEntry"]!.AsArray())!;
        Assert.Equal("ours", (string?)entry["Description"]);
    }
}
