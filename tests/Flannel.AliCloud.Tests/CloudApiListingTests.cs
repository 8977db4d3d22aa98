using System.Net;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Tests.Support;
using Flannel.AliCloud.Vpc;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.AliCloud.Tests;

/// <summary>Lists that change while they are read, repeat themselves or do not end.</summary>
public class CloudApiListingTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_listing_whose_count_changes_between_two_pages_is_read_again()
    {
        // A table of the first page is deleted between the pages: the table that moves to the first page would be missed.
        var handler = Pages((n, page) => n switch
        {
            0 => (60, Enumerable.Range(0, 50)),
            1 => (59, Enumerable.Range(51, 9)),
            _ => page == 1 ? (59, Enumerable.Range(1, 50)) : (59, Enumerable.Range(51, 9)),
        });
        using var api = Api(handler);
        var tables = (await api.DescribeRouteTableListAsync("cn-hangzhou", "vpc-1", Token)).Value!;
        Assert.Equal(Enumerable.Range(1, 59).Select(i => $"vtb-{i}"), tables.Select(t => t.RouteTableId));
        Assert.Equal(4, handler.Requests.Count);
    }

    [Fact]
    public async Task A_listing_whose_count_always_changes_fails()
    {
        var handler = Pages((n, _) => (1000 + n, Enumerable.Range(0, 50)));
        using var api = Api(handler);
        Assert.Equal((CloudErrorKind.Retry, "<answer>"),
            Kind((await api.DescribeRouteTableListAsync("cn-hangzhou", "vpc-1", Token)).Error!));
        Assert.Equal(8, handler.Requests.Count);
    }

    [Fact]
    public async Task A_listing_with_fewer_items_than_its_count_fails()
    {
        using var api = Api(Pages((_, page) => (60, page == 1 ? Enumerable.Range(0, 50) : [])));
        Assert.Equal((CloudErrorKind.Retry, "<answer>"),
            Kind((await api.DescribeRouteTableListAsync("cn-hangzhou", "vpc-1", Token)).Error!));
    }

    [Fact]
    public async Task A_repeated_page_token_ends_the_listing()
    {
        var handler = new StubHandler((_, _, _) => Task.FromResult(
            StubHandler.Answer(HttpStatusCode.OK, """{"RequestId":"R","NextToken":"same","RouteEntrys":{"RouteEntry":[]}}""")));
        using var api = Api(handler);
        Assert.Equal("<answer>", (await api.DescribeRouteEntryListAsync("cn-hangzhou", "vtb-1", Token)).Error!.Code);
        Assert.Equal(2, handler.Requests.Count);
    }

    [Fact]
    public async Task An_endless_listing_fails()
    {
        var handler = new StubHandler((_, n, _) => Task.FromResult(
            StubHandler.Answer(HttpStatusCode.OK, $$$"""{"RequestId":"R","NextToken":"t{{{n}}}","RouteEntrys":{"RouteEntry":[]}}""")));
        using var api = Api(handler);
        Assert.Equal("<answer>", (await api.DescribeRouteEntryListAsync("cn-hangzhou", "vtb-1", Token)).Error!.Code);
        Assert.Equal(200, handler.Requests.Count);
    }

    [Fact]
    public async Task The_wait_before_a_page_does_not_count_for_the_time_limit()
    {
        var time = new FakeTimeProvider();
        var handler = new StubHandler((_, n, _) => Task.FromResult(StubHandler.Answer(
            HttpStatusCode.OK, $$$"""{"RequestId":"R","NextToken":"{{{(n < 2 ? $"t{n}" : "")}}}","RouteEntrys":{"RouteEntry":[]}}""")));
        using var api = new CloudApi(Contexts.Create(time: time, handler: handler), StaticCredentials.Of("key", "secret"));
        var query = new RouteEntryQuery("vtb-1")
        {
            BeforePage = _ =>
            {
                time.Advance(TimeSpan.FromHours(1));
                return Task.CompletedTask;
            },
        };
        var started = time.GetUtcNow();
        Assert.Empty((await api.DescribeRouteEntryListAsync("cn-hangzhou", query, Token)).Value!);
        Assert.Equal(TimeSpan.FromHours(2), time.GetUtcNow() - started);
        Assert.Equal(3, handler.Requests.Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("vtb-2")]
    public async Task The_entries_of_a_listing_belong_to_the_requested_table(string tableId)
    {
        using var api = Api(StubHandler.Always(HttpStatusCode.OK, $$$"""
            {"RequestId":"R","RouteEntrys":{"RouteEntry":[{"RouteTableId":"{{{tableId}}}","RouteEntryId":"rte-1","DestinationCidrBlock":"10.24.1.0/24"}]}}
            """));
        var entries = (await api.DescribeRouteEntryListAsync("cn-hangzhou", "vtb-1", Token)).Value!;
        Assert.Equal("vtb-1", Assert.Single(entries).RouteTableId);
    }

    [Theory]
    [InlineData("custom", "available", true, RouteEntryStatus.Available)]
    [InlineData("CUSTOM", "PENDING", true, RouteEntryStatus.Pending)]
    [InlineData("custom", "modifying", true, RouteEntryStatus.Modifying)]
    [InlineData("custom", "deleting", true, RouteEntryStatus.Deleting)]
    [InlineData("system", "1", false, RouteEntryStatus.Unknown)]
    [InlineData("", "", false, RouteEntryStatus.Unknown)]
    public async Task The_case_of_type_and_status_is_ignored(
        string type, string status, bool isCustom, RouteEntryStatus expected)
    {
        using var api = Api(StubHandler.Always(HttpStatusCode.OK, $$$"""
            {"RequestId":"R","RouteEntrys":{"RouteEntry":[{"RouteEntryId":"rte-1","Type":"{{{type}}}","Status":"{{{status}}}"}]}}
            """));
        var entry = Assert.Single((await api.DescribeRouteEntryListAsync("cn-hangzhou", "vtb-1", Token)).Value!);
        Assert.Equal((isCustom, expected), (entry.IsCustom, entry.Status));
    }

    private static (CloudErrorKind, string) Kind(CloudError error) => (error.Kind, error.Code);

    private static StubHandler Pages(Func<int, int, (int Total, IEnumerable<int> Tables)> page) => new((request, n, _) =>
    {
        var number = request.RequestUri!.Query.Contains("PageNumber=1&", StringComparison.Ordinal) ? 1 : 2;
        var (total, tables) = page(n, number);
        var list = string.Join(',', tables.Select(t => $$"""{"RouteTableId":"vtb-{{t}}"}"""));
        return Task.FromResult(StubHandler.Answer(
            HttpStatusCode.OK, $$$"""{"RequestId":"R","TotalCount":{{{total}}},"RouterTableList":{"RouterTableListType":[{{{list}}}]}}"""));
    });

    private static CloudApi Api(StubHandler handler) =>
        new(Contexts.Create(time: new FakeTimeProvider(), handler: handler), StaticCredentials.Of("key", "secret"));
}
