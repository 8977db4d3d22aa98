using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Tests;

public sealed class CreateRouteTests
{
    [Fact]
    public async Task An_entry_is_pending_until_the_write_has_settled()
    {
        await using var test = await TestCloud.StartAsync();
        var reply = await test.CreateAsync("10.24.1.0/24");
        reply.MustSucceed();
        var id = (string?)reply.Body["RouteEntryId"];
        Assert.Equal(EntryState.Pending, test.Cloud.State.CustomRoutes().Single(r => r.RouteEntryId == id).Status);
        test.Clock.Advance(TimeSpan.FromMilliseconds(499));
        Assert.Equal(EntryState.Pending, test.Cloud.State.CustomRoutes().Single(r => r.RouteEntryId == id).Status);
        test.Clock.Advance(TimeSpan.FromMilliseconds(1));
        var route = test.Cloud.State.CustomRoutes().Single(r => r.RouteEntryId == id);
        Assert.Equal((EntryState.Available, "Instance", "i-1", "192.168.1.11"),
            (route.Status, route.NextHopType, route.NextHopId, route.NextHopPrivateIp));
    }

    [Theory]
    [InlineData("10.24.1.0/24", "i-1", "vtb-1", null)]
    [InlineData("10.24.1.7", "i-1", "vtb-1", null)] // an address without a length is a /32
    [InlineData("100.64.1.0/24", "i-1", "vtb-1", null)]
    [InlineData("192.168.0.0/16", "i-1", "vtb-1", null)] // contains a vSwitch
    [InlineData("10.24.1.0/24", "i-1", "vtb-none", "InvalidRouteTableId.NotFound")]
    [InlineData("10.24.1.0/24", "i-1", "vtb-gw", "OperationDenied.GatewayRouteTableNotPermitted")]
    [InlineData("10.24.1.0/24", "i-none", "vtb-1", "InvalidNextHopId.NotFound")]
    [InlineData("10.24.1.0/24", "i-other", "vtb-1", "OperationFailed.InstanceDismatchCurrentVpc")]
    [InlineData("10.24.1.1/24", "i-1", "vtb-1", "InvalidCidrBlock")] // host bits
    [InlineData("10.24.1.0/33", "i-1", "vtb-1", "InvalidCidrBlock.Malformed")]
    [InlineData("10.24.01.0/24", "i-1", "vtb-1", "InvalidCidrBlock.Malformed")] // leading zero
    [InlineData("10.24/16", "i-1", "vtb-1", "InvalidCidrBlock.Malformed")]
    [InlineData("fd00::/64", "i-1", "vtb-1", "OperationDenied.VpcIpv6NotEnabled")]
    [InlineData("192.168.1.0/24", "i-1", "vtb-1", "OperationUnsupported.DestinationCidrBlockOverlapWithVSwitch")]
    [InlineData("192.168.2.128/25", "i-1", "vtb-1", "OperationUnsupported.DestinationCidrBlockOverlapWithVSwitch")]
    [InlineData("100.64.0.0/10", "i-1", "vtb-1", "InvalidDestinationCidrBlock")]
    [InlineData("169.254.0.0/16", "i-1", "vtb-1", "InvalidDestinationCidrBlock")]
    [InlineData("0.0.0.0/0", "i-1", "vtb-1", "InvalidCIDRBlock.Duplicate")]
    [InlineData("0.0.0.0/0", "i-1", "vtb-2", null)] // the default route is allowed
    public async Task A_single_entry_must_follow_the_rules(string destination, string nextHop, string table, string? code)
    {
        await using var test = await TestCloud.StartAsync();
        Assert.Equal(code, (await test.CreateAsync(destination, nextHop, table)).ErrorCode);
    }

    [Theory]
    [InlineData("NetworkInterface", "eni-1b", null)]
    [InlineData("NetworkInterface", "eni-other", "Mismatch.EniIdAndRouteTableId")]
    [InlineData("NetworkInterface", "i-1", "InvalidNextHopId.NotFound")]
    [InlineData("NatGateway", "ngw-1", "InvalidNextHopId.NotFound")] // the API has the type, the simulator has no such resource
    [InlineData("Tunnel", "tun-1", "InvalidNextHopType")]
    public async Task A_next_hop_must_match_its_type(string type, string id, string? code)
    {
        await using var test = await TestCloud.StartAsync();
        var reply = await test.Vpc.CallAsync("CreateRouteEntry",
            ("RouteTableId", "vtb-1"), ("DestinationCidrBlock", "10.24.1.0/24"), ("NextHopType", type), ("NextHopId", id));
        Assert.Equal(code, reply.ErrorCode);
    }

    [Fact]
    public async Task An_interface_as_next_hop_resolves_to_its_own_address()
    {
        await using var test = await TestCloud.StartAsync();
        (await test.Vpc.CallAsync("CreateRouteEntry", ("RouteTableId", "vtb-1"), ("DestinationCidrBlock", "10.24.1.0/24"),
            ("NextHopType", "NetworkInterface"), ("NextHopId", "eni-1b"), ("RouteEntryName", "flannel"),
                ("Description", "ours"))).MustSucceed();
        var route = test.Cloud.State.CustomRoutes().Single(r => r.DestinationCidrBlock == "10.24.1.0/24");
        Assert.Equal(("192.168.1.19", "flannel", "ours"), (route.NextHopPrivateIp, route.RouteEntryName, route.Description));
    }

    [Fact]
    public async Task A_destination_exists_once_per_table()
    {
        await using var test = await TestCloud.StartAsync();
        (await test.CreateAsync("10.24.1.0/24")).MustSucceed();
        test.Settle();
        (await test.CreateAsync("10.24.1.0/24", "i-2")).MustFail(400, "InvalidCIDRBlock.Duplicate");
        (await test.CreateAsync("10.24.1.0/24", "i-2", "vtb-2")).MustSucceed();
    }

    [Fact]
    public async Task The_quota_limits_custom_entries_and_ignores_managed_ones()
    {
        await using var test = await TestCloud.StartAsync(w => w with { Settings = w.Settings with { RouteEntryQuota = 2 } });
        (await test.CreateAsync("10.24.1.0/24")).MustSucceed(); // the second custom entry after 0.0.0.0/0
        test.Settle();
        (await test.CreateAsync("10.24.2.0/24")).MustFail(400, "QuotaExceeded");
        (await test.CreateAsync("10.24.2.0/24", table: "vtb-2")).MustSucceed();
    }

    [Fact]
    public async Task The_same_client_token_returns_the_same_entry()
    {
        await using var test = await TestCloud.StartAsync();
        Task<ApiReply> Create(string destination, string token) => test.Vpc.CallAsync("CreateRouteEntry", ("RouteTableId", "vtb-1"),
            ("DestinationCidrBlock", destination), ("NextHopId", "i-1"), ("ClientToken", token));
        var first = await Create("10.24.1.0/24", "t-1");
        first.MustSucceed();
        Assert.Equal((string?)first.Body["RouteEntryId"], (string?)(await Create("10.24.1.0/24", "t-1")).Body["RouteEntryId"]);
        (await Create("10.24.2.0/24", "t-1")).MustFail(400, "IdempotentParameterMismatch");
        test.Settle();
        (await Create("10.24.1.0/24", "t-2")).MustFail(400, "InvalidCIDRBlock.Duplicate");
        Assert.Single(test.Cloud.State.CustomRoutes(), r => r.DestinationCidrBlock == "10.24.1.0/24");
    }

    [Fact]
    public async Task A_client_token_of_a_failed_call_can_be_used_again()
    {
        await using var test = await TestCloud.StartAsync();
        Task<ApiReply> Create(string destination, string token) => test.Vpc.CallAsync("CreateRouteEntry", ("RouteTableId", "vtb-1"),
            ("DestinationCidrBlock", destination), ("NextHopId", "i-1"), ("ClientToken", token));
        (await Create("10.24.1.0/24", "t-1")).MustSucceed();
        (await Create("10.24.2.0/24", "t-2")).MustFail(400, "TaskConflict");
        test.Settle();
        (await Create("10.24.2.0/24", "t-2")).MustSucceed();
    }
}
