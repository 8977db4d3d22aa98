using AliCloud.Simulator.Observing;
using AliCloud.Simulator.Setup;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Tests.Support;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using static Flannel.AliCloud.Tests.Support.TestCloud;

namespace Flannel.AliCloud.Tests;

public class CloudApiRoutesTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Entries_are_listed_with_a_hundred_per_page()
    {
        await using var cloud = await StartAsync(w => w with { Vpcs = [With250Entries(w.Vpcs[0])] });
        var answer = await cloud.Api.DescribeRouteEntryListAsync(Region, "vtb-2", Token);
        Assert.True(answer.Ok);
        Assert.Equal(Enumerable.Range(0, 250).Select(Nth).Order(),
            answer.Value!.Where(e => e.IsCustom).Select(e => e.Destination!.Value).Order());
        Assert.Equal((answer.Value!.Count + 99) / 100, cloud.Cloud.Calls.Count("vpc", "DescribeRouteEntryList"));
        Assert.NotEmpty(answer.RequestId);
    }

    [Fact]
    public async Task Entries_of_some_destinations_are_listed_with_one_call()
    {
        await using var cloud = await StartAsync(w => w with { Vpcs = [With250Entries(w.Vpcs[0])] });
        List<IpNetwork> present = [.. Enumerable.Range(231, CloudLimits.DestinationsPerCall - 1).Select(Nth)];
        var query = new RouteEntryQuery("vtb-2") { Destinations = [.. present, IpNetwork.Parse("10.99.1.0/24")] };
        var answer = await cloud.Api.DescribeRouteEntryListAsync(Region, query, Token);
        Assert.Equal(present, answer.Value!.Select(e => e.Destination!.Value).Order());
        Assert.Equal(1, cloud.Cloud.Calls.Count("vpc", "DescribeRouteEntryList"));
        var more = query with { Destinations = [.. query.Destinations, Nth(1)] };
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => cloud.Api.DescribeRouteEntryListAsync(Region, more, Token));
    }

    [Fact]
    public async Task A_listing_whose_page_token_expires_starts_again()
    {
        await using var cloud = await StartAsync(w => w with { Vpcs = [With250Entries(w.Vpcs[0])] });
        cloud.Fail(FaultKind.Code, "DescribeRouteEntryList", "IllegalParam.NextTokenExpired", f => f with { Skip = 1 });
        var answer = await cloud.Api.DescribeRouteEntryListAsync(Region, "vtb-2", Token);
        Assert.Equal(250, answer.Value!.Count(e => e.IsCustom));
        Assert.Equal(answer.Value!.Count, answer.Value!.Select(e => e.RouteEntryId).Distinct().Count());
    }

    [Fact]
    public async Task A_listing_whose_page_token_always_expires_fails()
    {
        await using var cloud = await StartAsync();
        cloud.Fail(FaultKind.Code, "DescribeRouteEntryList", "IllegalParam.NextTokenExpired", f => f with { Times = -1 });
        var answer = await cloud.Api.DescribeRouteEntryListAsync(Region, "vtb-2", Token);
        Assert.Equal(CloudErrorKind.Retry, answer.Error!.Kind);
        Assert.Equal(4, cloud.Cloud.Calls.Count("vpc", "DescribeRouteEntryList"));
    }

    [Fact]
    public async Task Entries_have_the_values_of_the_API()
    {
        await using var cloud = await StartAsync();
        cloud.Cloud.Console.CreateRoute("vtb-1", new RouteEntrySetup
        {
            DestinationCidrBlock = "10.24.1.0/24",
            NextHopId = "eni-1b",
            NextHopType = "NetworkInterface",
            RouteEntryName = "n",
            Description = "d",
        });
        var entries = (await cloud.Api.DescribeRouteEntryListAsync(Region, "vtb-1", Token)).Value!;
        var ours = Assert.Single(entries, e => e.DestinationText == "10.24.1.0/24");
        Assert.Equal(("vtb-1", IpNetwork.Parse("10.24.1.0/24"), true, RouteEntryStatus.Available, "n", "d"),
            (ours.RouteTableId, ours.Destination!.Value, ours.IsCustom, ours.Status, ours.Name, ours.Description));
        Assert.Equal([new NextHop("NetworkInterface", "eni-1b")], ours.NextHops);
        Assert.False(Assert.Single(entries, e => e.DestinationText == "10.99.0.0/16").IsCustom);
        Assert.False(Assert.Single(entries, e => e.DestinationText == "192.168.1.0/24").IsCustom);
        Assert.True(Assert.Single(entries, e => e.DestinationText == "0.0.0.0/0").IsCustom);
    }

    [Fact]
    public async Task A_batch_creates_routes_and_returns_the_failures_by_destination()
    {
        await using var cloud = await StartAsync();
        cloud.Cloud.Console.CreateRoute("vtb-1", new RouteEntrySetup { DestinationCidrBlock = "10.24.2.0/24", NextHopId = "i-2" });
        var answer = await cloud.Api.CreateRouteEntriesAsync(
            Region, [Route("10.24.1.0/24"), Route("10.24.2.0/24"), Route("10.24.3.0/24", "i-2")], Token);
        var failure = Assert.Single(answer.Value!.Failures);
        Assert.Equal(IpNetwork.Parse("10.24.2.0/24"), failure.Destination);
        Assert.Equal((CloudErrorKind.Reread, "VPC_ROUTE_ENTRY_CIDR_BLOCK_DUPLICATE"), (failure.Error.Kind, failure.Error.Code));
        cloud.Settle();
        var entries = (await cloud.Api.DescribeRouteEntryListAsync(Region, "vtb-1", Token)).Value!;
        Assert.Equal("i-1", Assert.Single(entries, e => e.DestinationText == "10.24.1.0/24").NextHops[0].Id);
        var mine = Assert.Single(entries, e => e.DestinationText == "10.24.3.0/24");
        Assert.Equal(("i-2", "flannel", "flannel of the test", RouteEntryStatus.Available),
            (mine.NextHops[0].Id, mine.Name, mine.Description, mine.Status));
    }

    [Fact]
    public async Task IPv6_routes_are_created_with_their_version_listed_updated_and_deleted()
    {
        await using var cloud = await StartAsync(setup => setup with
        {
            Vpcs = [setup.Vpcs[0] with { Ipv6CidrBlock = "2408:4005:300::/56" }],
            Instances = [.. setup.Instances.Select((instance, i) => instance with
            {
                Interfaces = [.. instance.Interfaces.Select(each => each with { Ipv6s = [$"2408:4005:300::1{i}"] })],
            })],
        });
        var batch = await cloud.Api.CreateRouteEntriesAsync(
            Region, [Route("fd00:24:0:1::/64"), Route("fd00:24:0:2::/64", "i-none"), Route("fd00:24:0:3::/64", "i-2")], Token);
        Assert.Equal(IpNetwork.Parse("fd00:24:0:2::/64"), Assert.Single(batch.Value!.Failures).Destination);
        cloud.Settle();
        Assert.True((await cloud.Api.CreateRouteEntryAsync(Region, Route("fd00:24:0:4::/64"), "token-1", Token)).Ok);
        cloud.Settle();
        var entries = (await cloud.Api.DescribeRouteEntryListAsync(Region, "vtb-1", Token)).Value!.Where(e => e.Destination?.IsV6 == true);
        Assert.Equal(["fd00:24:0:1::/64", "fd00:24:0:3::/64", "fd00:24:0:4::/64"], entries.Select(e => e.Destination.ToString()));
        var first = entries.First();
        Assert.True((await cloud.Api.ModifyRouteEntryAsync(Region, first, new NextHop("Instance", "i-2"), "n", "d", Token)).Ok);
        cloud.Settle();
        Assert.Empty((await cloud.Api.DeleteRouteEntriesAsync(Region, [.. entries], Token)).Value!.Failures);
        var custom = await cloud.Api.CreateRouteEntryAsync(Region, Route("fd00:24:0:9::/64", "i-3", "vtb-2"), "token-2", Token);
        Assert.Equal((CloudErrorKind.Fatal, "OperationDenied.Ipv6EntryOnCustomTable"), (custom.Error!.Kind, custom.Error.Code));
    }

    [Fact]
    public async Task A_write_during_another_write_is_retried_later()
    {
        await using var cloud = await StartAsync();
        Assert.True((await cloud.Api.CreateRouteEntriesAsync(Region, [Route("10.24.1.0/24")], Token)).Ok);
        var second = await cloud.Api.CreateRouteEntryAsync(Region, Route("10.24.2.0/24"), "token-2", Token);
        Assert.Equal(CloudErrorKind.Retry, second.Error!.Kind);
        cloud.Settle();
        Assert.True((await cloud.Api.CreateRouteEntryAsync(Region, Route("10.24.2.0/24"), "token-2", Token)).Ok);
    }

    [Fact]
    public async Task A_repeated_client_token_creates_once()
    {
        await using var cloud = await StartAsync();
        Assert.True((await cloud.Api.CreateRouteEntryAsync(Region, Route("10.24.2.0/24"), "token-1", Token)).Ok);
        cloud.Settle();
        Assert.True((await cloud.Api.CreateRouteEntryAsync(Region, Route("10.24.2.0/24"), "token-1", Token)).Ok);
        var other = await cloud.Api.CreateRouteEntryAsync(Region, Route("10.24.2.0/24"), "token-2", Token);
        Assert.Equal(CloudErrorKind.Reread, other.Error!.Kind);
    }

    [Fact]
    public async Task Deleting_a_deleted_entry_succeeds()
    {
        await using var cloud = await StartAsync();
        cloud.Cloud.Console.CreateRoute("vtb-1", new RouteEntrySetup { DestinationCidrBlock = "10.24.2.0/24", NextHopId = "i-2" });
        var entry = Assert.Single(
            (await cloud.Api.DescribeRouteEntryListAsync(Region, "vtb-1", Token)).Value!, e => e.DestinationText == "10.24.2.0/24");
        Assert.Empty((await cloud.Api.DeleteRouteEntriesAsync(Region, [entry], Token)).Value!.Failures);
        cloud.Settle();
        foreach (var form in new[] { entry, entry with { RouteEntryId = "" } })
        {
            var again = await cloud.Api.DeleteRouteEntriesAsync(Region, [form], Token);
            Assert.All(again.Value!.Failures, f => Assert.Equal(CloudErrorKind.AlreadyDone, f.Error.Kind));
            Assert.Single(again.Value!.Failures);
        }

        Assert.DoesNotContain(
            (await cloud.Api.DescribeRouteEntryListAsync(Region, "vtb-1", Token)).Value!, e => e.DestinationText == "10.24.2.0/24");
    }

    [Fact]
    public async Task A_next_hop_is_changed_in_place_and_changing_it_again_is_already_done()
    {
        await using var cloud = await StartAsync();
        cloud.Cloud.Console.CreateRoute("vtb-1", new RouteEntrySetup { DestinationCidrBlock = "10.24.2.0/24", NextHopId = "i-2" });
        var entry = Assert.Single(
            (await cloud.Api.DescribeRouteEntryListAsync(Region, "vtb-1", Token)).Value!, e => e.DestinationText == "10.24.2.0/24");
        var hop = new NextHop("Instance", "i-1");
        Assert.True((await cloud.Api.ModifyRouteEntryAsync(Region, entry, hop, "flannel", "mark", Token)).Ok);
        cloud.Settle();
        var after = Assert.Single(
            (await cloud.Api.DescribeRouteEntryListAsync(Region, "vtb-1", Token)).Value!, e => e.DestinationText == "10.24.2.0/24");
        Assert.Equal((entry.RouteEntryId, hop), (after.RouteEntryId, after.NextHops[0]));
        var again = await cloud.Api.ModifyRouteEntryAsync(Region, entry with { RouteEntryId = "" }, hop, "flannel", "mark", Token);
        Assert.True(again.Ok || again.Error!.Kind == CloudErrorKind.AlreadyDone);
    }

    [Fact]
    public async Task A_dry_run_succeeds_and_writes_nothing()
    {
        await using var cloud = await StartAsync();
        Assert.True((await cloud.Api.DryRunAsync(RouteWriteCall.CreateRouteEntry, Region, Route("10.24.2.0/24"), Token)).Ok);
        Assert.DoesNotContain(
            (await cloud.Api.DescribeRouteEntryListAsync(Region, "vtb-1", Token)).Value!, e => e.DestinationText == "10.24.2.0/24");
    }

    [Fact]
    public async Task A_missing_permission_is_named()
    {
        await using var cloud = await StartAsync();
        var api = cloud.ApiWith(StaticCredentials.Of("LTAIread", KeySecret));
        Assert.Equal("vpc:CreateRouteEntry",
            (await api.DryRunAsync(RouteWriteCall.CreateRouteEntry, Region, Route("10.24.2.0/24"), Token)).Error!.DeniedAction);
        var batch = (await api.CreateRouteEntriesAsync(Region, [Route("10.24.2.0/24")], Token)).Error!;
        Assert.Equal((CloudErrorKind.Denied, "vpc:CreateRouteEntries", 403), (batch.Kind, batch.DeniedAction, batch.HttpStatus));
        Assert.Equal("ecs:ModifyNetworkInterfaceAttribute",
            (await api.DisableSourceDestCheckAsync(Region, "eni-1", Token)).Error!.DeniedAction);
    }

    [Fact]
    public async Task A_full_table_is_a_quota_error()
    {
        await using var cloud = await StartAsync(w => w with { Settings = w.Settings with { RouteEntryQuota = 1 } });
        Assert.Equal(CloudErrorKind.Quota, (await cloud.Api.CreateRouteEntryAsync(Region, Route("10.24.2.0/24"), "t", Token)).Error!.Kind);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(51)]
    public async Task An_empty_or_too_large_batch_throws(int count)
    {
        await using var cloud = await StartAsync();
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => cloud.Api.CreateRouteEntriesAsync(Region, [.. Enumerable.Repeat(Route("10.24.2.0/24"), count)], Token));
    }

    private static IpNetwork Nth(int i) => IpNetwork.Parse($"10.24.{i}.0/24");

    private static VpcSetup With250Entries(VpcSetup vpc) => vpc with
    {
        RouteTables =
        [
            vpc.RouteTables[0], vpc.RouteTables[2],
            vpc.RouteTables[1] with { Entries = [.. Enumerable.Range(0, 250)
                .Select(i => new RouteEntrySetup { DestinationCidrBlock = Nth(i).ToString(), NextHopId = "i-1" })] },
        ],
    };
}
