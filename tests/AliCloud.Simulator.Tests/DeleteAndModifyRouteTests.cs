using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Tests;

public sealed class DeleteAndModifyRouteTests
{
    [Fact]
    public async Task A_deleted_entry_is_deleting_and_then_gone()
    {
        await using var test = await TestCloud.StartAsync();
        var id = await MakeAsync(test, "10.24.1.0/24");
        (await test.Vpc.CallAsync("DeleteRouteEntry", ("RouteEntryId", id))).MustSucceed();
        var deleting = test.Cloud.State.CustomRoutes().Single(r => r.RouteEntryId == id);
        Assert.Equal((EntryState.Deleting, false), (deleting.Status, deleting.Forwards));
        test.Settle();
        Assert.DoesNotContain(test.Cloud.State.CustomRoutes(), r => r.RouteEntryId == id);
        (await test.Vpc.CallAsync("DeleteRouteEntry", ("RouteEntryId", id))).MustFail(400, "InvalidRouteEntryId.NotFound");
    }

    [Fact]
    public async Task An_entry_is_identified_by_table_destination_and_next_hop_and_all_must_match()
    {
        await using var test = await TestCloud.StartAsync();
        await MakeAsync(test, "10.24.1.0/24");
        Task<ApiReply> Delete(params (string, string)[] by) => test.Vpc.CallAsync("DeleteRouteEntry", by);
        (await Delete(("RouteTableId", "vtb-1"), ("DestinationCidrBlock", "10.24.1.0/24"))).MustFail(400, "MissingParameter");
        (await Delete(("RouteTableId", "vtb-1"), ("DestinationCidrBlock", "10.24.1.0/24"), ("NextHopId", "i-2"))).MustFail(
            404, "InvalidRouteEntry.NotFound");
        (await Delete(("RouteTableId", "vtb-1"), ("DestinationCidrBlock", "10.24.2.0/24"), ("NextHopId", "i-1"))).MustFail(
            404, "InvalidRouteEntry.NotFound");
        (await Delete(("RouteTableId", "vtb-9"), ("DestinationCidrBlock", "10.24.1.0/24"), ("NextHopId", "i-1"))).MustFail(
            404, "InvalidRouteTableId.NotFound");
        (await Delete(("RouteTableId", "vtb-1"), ("DestinationCidrBlock", "10.24.1.0/24"), ("NextHopId", "i-1"), ("ClientToken", "t")))
            .MustFail(400, "InvalidParameter");
        (await Delete(("RouteTableId", "vtb-1"), ("DestinationCidrBlock", "10.24.1.0/24"), ("NextHopId", "i-1"))).MustSucceed();
    }

    [Fact]
    public async Task System_and_managed_entries_are_not_deleted()
    {
        await using var test = await TestCloud.StartAsync();
        var routes = test.Cloud.State.Snapshot().Routes;
        var system = routes.First(r => r is { Type: "System", RouteTableId: "vtb-1" });
        var managed = routes.Single(r => r.ServiceType == "TR");
        (await test.Vpc.CallAsync("DeleteRouteEntry", ("RouteEntryId", system.RouteEntryId))).MustFail(400, "OperationDenied");
        (await test.Vpc.CallAsync("DeleteRouteEntry", ("RouteEntryId", managed.RouteEntryId))).MustFail(
            400, "OperationDenied.DeleteManagedRouteEntry");
        var reply = await test.Vpc.CallAsync("DeleteRouteEntries", ("RegionId", "cn-hangzhou"),
            ("RouteEntries.1.RouteTableId", "vtb-1"), ("RouteEntries.1.RouteEntryId", system.RouteEntryId),
            ("RouteEntries.2.RouteTableId", "vtb-1"), ("RouteEntries.2.RouteEntryId", managed.RouteEntryId));
        Assert.Equal(["OperationDenied", "OperationDenied.DeleteManagedRouteEntry"],
            reply.Body["FailedRouteEntries"]!.AsArray().Select(f => (string?)f!["FailedCode"]));
        Assert.Equal(routes, test.Cloud.State.Snapshot().Routes);
    }

    [Fact]
    public async Task A_batch_deletes_existing_entries_and_reports_missing_ones()
    {
        await using var test = await TestCloud.StartAsync();
        var id = await MakeAsync(test, "10.24.1.0/24");
        await MakeAsync(test, "10.24.2.0/24");
        await MakeAsync(test, "10.24.3.0/24");
        var reply = await test.Vpc.CallAsync("DeleteRouteEntries", ("RegionId", "cn-hangzhou"),
            ("RouteEntries.1.RouteTableId", "vtb-1"), ("RouteEntries.1.RouteEntryId", id),
            ("RouteEntries.2.RouteTableId", "vtb-1"), ("RouteEntries.2.DstCidrBlock", "10.24.2.0/24"), ("RouteEntries.2.NextHop", "i-1"),
            ("RouteEntries.3.RouteTableId", "vtb-1"), ("RouteEntries.3.DstCidrBlock", "10.24.3.0/24"), ("RouteEntries.3.NextHop", "i-2"),
            ("RouteEntries.4.RouteTableId", "vtb-1"), ("RouteEntries.4.RouteEntryId", "rte-none"),
            ("RouteEntries.5.RouteTableId", "vtb-1"), ("RouteEntries.5.RouteEntryId", id));
        reply.MustSucceed();
        Assert.Equal((2, 3), ((int)reply.Body["SuccessCount"]!, (int)reply.Body["FailedCount"]!));
        Assert.Equal(["VPC_ROUTER_ENTRY_NOT_EXIST", "VPC_ROUTER_ENTRY_NOT_EXIST", "VPC_ROUTE_ENTRY_STATUS_ERROR"],
            reply.Body["FailedRouteEntries"]!.AsArray().Select(f => (string?)f!["FailedCode"]));
        test.Settle();
        Assert.Equal(["10.24.3.0/24"],
            test.Cloud.State.CustomRoutes().Select(r => r.DestinationCidrBlock).Where(
            d => d.StartsWith("10.24.", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_entry_of_a_batch_needs_a_reference()
    {
        await using var test = await TestCloud.StartAsync();
        Task<ApiReply> Delete(params (string, string)[] by) =>
            test.Vpc.CallAsync("DeleteRouteEntries", [("RegionId", "cn-hangzhou"), ("RouteEntries.1.RouteTableId", "vtb-1"), .. by]);
        (await Delete()).MustFail(400, "MissingParameter");
        (await Delete(("RouteEntries.1.DstCidrBlock", "10.24.1.0/24"))).MustFail(400, "MissingParameter");
    }

    [Fact]
    public async Task A_modified_entry_forwards_to_the_old_next_hop_until_it_has_settled()
    {
        await using var test = await TestCloud.StartAsync();
        var id = await MakeAsync(test, "10.24.1.0/24");
        (await test.Vpc.CallAsync(
            "ModifyRouteEntry", ("RegionId", "cn-hangzhou"), ("RouteEntryId", id), ("NewNextHopId", "i-2"), ("NewNextHopType", "Instance")))
            .MustSucceed();
        RouteView Entry() => test.Cloud.State.CustomRoutes().Single(r => r.RouteEntryId == id);
        Assert.Equal((EntryState.Modifying, true, "i-1"), (Entry().Status, Entry().Forwards, Entry().NextHopId));
        test.Settle();
        Assert.Equal((EntryState.Available, "i-2"), (Entry().Status, Entry().NextHopId));
    }

    [Theory]
    [InlineData("i-1", "OperationDenied.NextHopNotChanged")]
    [InlineData("i-none", "InvalidNextHopId.NotFound")]
    [InlineData("i-other", "OperationFailed.InstanceDismatchCurrentVpc")]
    [InlineData("i-2", null)]
    public async Task A_new_next_hop_must_be_another_and_usable(string nextHop, string? code)
    {
        await using var test = await TestCloud.StartAsync();
        await MakeAsync(test, "10.24.1.0/24");
        var reply = await test.Vpc.CallAsync("ModifyRouteEntry", ("RegionId", "cn-hangzhou"), ("RouteTableId", "vtb-1"),
            ("DestinationCidrBlock", "10.24.1.0/24"), ("NewNextHopId", nextHop));
        Assert.Equal(code, reply.ErrorCode);
    }

    [Fact]
    public async Task A_modification_requires_a_change_and_a_custom_entry()
    {
        await using var test = await TestCloud.StartAsync();
        var id = await MakeAsync(test, "10.24.1.0/24");
        Task<ApiReply> Modify(params (string, string)[] what) =>
            test.Vpc.CallAsync("ModifyRouteEntry", [("RegionId", "cn-hangzhou"), .. what]);
        var system = test.Cloud.State.Snapshot().Routes.First(r => r.Type == "System");
        (await Modify(("RouteEntryId", id))).MustFail(400, "MissingParameter");
        (await Modify(("RouteEntryId", id), ("NewNextHopType", "Instance"))).MustFail(400, "MissingParameter");
        (await Modify(("RouteEntryId", "rte-none"), ("NewNextHopId", "i-2"))).MustFail(400, "InvalidRouteEntryId.NotFound");
        (await Modify(("RouteEntryId", system.RouteEntryId), ("NewNextHopId", "i-2"))).MustFail(400, "OperationDenied");
        (await Modify(("RouteEntryId", id), ("RouteEntryName", "mine"))).MustSucceed();
        Assert.Equal("mine", test.Cloud.State.CustomRoutes().Single(r => r.RouteEntryId == id).RouteEntryName);
    }

    private static async Task<string> MakeAsync(TestCloud test, string destination)
    {
        var reply = await test.CreateAsync(destination);
        reply.MustSucceed();
        test.Settle();
        return (string)reply.Body["RouteEntryId"]!;
    }
}
