using System.Globalization;
using System.Net;
using System.Net.Sockets;
using AliCloud.Simulator.Observing;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Tests.Support;
using Flannel.AliCloud.Vpc;
using Microsoft.Extensions.Time.Testing;
using static Flannel.AliCloud.Tests.Support.TestCloud;

namespace Flannel.AliCloud.Tests.Http;

/// <summary>Calls whose network, service or credentials fail.</summary>
public class CloudTransportTests
{
    private const string VpcBody = """{"RequestId":"R-9","VpcId":"vpc-1","CidrBlock":"192.168.0.0/16"}""";

    private static readonly DateTimeOffset Start = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Throttling_has_the_pause_that_the_service_names()
    {
        await using var cloud = await StartAsync();
        cloud.Fail(FaultKind.Code, "DescribeVpcAttribute", "Throttling.User", f => f with
        {
            Headers = new Dictionary<string, string>
            {
                ["x-ratelimit-user-api"] = "Limit:300,Remain:0,TimeLeft:1200,Reset:0",
                ["x-ratelimit-user"] = "Limit:1000,Remain:0,TimeLeft:2500,Reset:0",
            },
        });
        var error = (await cloud.Api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Error!;
        Assert.Equal((CloudErrorKind.Retry, "Throttling.User", TimeSpan.FromMilliseconds(2500)),
            (error.Kind, error.Code, error.RetryAfter!.Value));
        Assert.Equal(1, cloud.Cloud.Calls.Count("vpc", "DescribeVpcAttribute"));
    }

    [Theory]
    [InlineData(FaultKind.DropConnection)]
    [InlineData(FaultKind.DropAfterSuccess)]
    public async Task A_write_whose_connection_breaks_has_an_unknown_outcome(FaultKind kind)
    {
        await using var cloud = await StartAsync();
        cloud.Fail(kind, "CreateRouteEntries");
        var error = (await cloud.Api.CreateRouteEntriesAsync(Region, [Route("10.24.1.0/24")], Token)).Error!;
        Assert.Equal((CloudErrorKind.Reread, "<answer>"), (error.Kind, error.Code));
    }

    [Fact]
    public async Task A_write_on_a_broken_pooled_connection_is_neither_a_success_nor_done_twice()
    {
        await using var cloud = await StartAsync();
        Assert.True((await cloud.Api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Ok);
        cloud.Fail(FaultKind.DropAfterSuccess, "CreateRouteEntries");
        var answer = await cloud.Api.CreateRouteEntriesAsync(Region, [Route("10.24.1.0/24")], Token);
        // The handler may send the request again on a new connection. Then the nonce is used, or the entry is a duplicate.
        Assert.Contains(answer.Error?.Kind ?? Assert.Single(answer.Value!.Failures).Error.Kind,
            new[] { CloudErrorKind.Reread, CloudErrorKind.Retry });
        cloud.Settle();
        Assert.Single((await cloud.Api.DescribeRouteEntryListAsync(Region, "vtb-1", Token)).Value!,
            e => e.DestinationText == "10.24.1.0/24");
    }

    [Fact]
    public async Task A_read_whose_connection_breaks_can_be_retried()
    {
        await using var cloud = await StartAsync();
        cloud.Fail(FaultKind.DropConnection, "DescribeVpcAttribute");
        Assert.Equal(CloudErrorKind.Retry, (await cloud.Api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Error!.Kind);
        Assert.True((await cloud.Api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Ok);
    }

    [Fact]
    public async Task A_write_that_times_out_has_an_unknown_outcome()
    {
        await using var cloud = await StartAsync();
        cloud.Fail(FaultKind.TimeoutAfterSuccess, "CreateRouteEntries", null, f => f with { DelayMilliseconds = 300_000 });
        var call = cloud.Api.CreateRouteEntriesAsync(Region, [Route("10.24.1.0/24")], Token);
        await Eventually.Is(() => cloud.Cloud.Calls.Count("vpc", "CreateRouteEntries") == 1);
        cloud.Clock.Advance(TimeSpan.FromSeconds(21));
        var error = (await call).Error!;
        Assert.Equal((CloudErrorKind.Reread, "<timeout>"), (error.Kind, error.Code));
        Assert.Contains((await cloud.Api.DescribeRouteEntryListAsync(Region, "vtb-1", Token)).Value!,
            e => e.DestinationText == "10.24.1.0/24");
    }

    [Fact]
    public async Task A_read_that_times_out_can_be_retried()
    {
        await using var cloud = await StartAsync();
        cloud.Fail(FaultKind.TimeoutAfterSuccess, "DescribeVpcAttribute", null, f => f with { DelayMilliseconds = 300_000 });
        var call = cloud.Api.DescribeVpcAttributeAsync(Region, "vpc-1", Token);
        await Eventually.Is(() => cloud.Cloud.Calls.Count("vpc", "DescribeVpcAttribute") == 1);
        cloud.Clock.Advance(TimeSpan.FromSeconds(21));
        Assert.Equal((CloudErrorKind.Retry, "<timeout>"), ((await call).Error!.Kind, (await call).Error!.Code));
    }

    [Fact]
    public async Task A_host_that_never_completes_TLS_costs_the_connect_time_limit_and_nothing_was_sent()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var options = new CloudApiOptions
        {
            ProgramVersion = "t",
            VpcEndpoint = CloudEndpoint.Parse($"https://{silent.LocalEndpoint}").Value,
            ConnectTimeout = TimeSpan.FromMilliseconds(200),
            RequestTimeout = TimeSpan.FromMinutes(10),
        };
        using var api = new CloudApi(Contexts.Create(options), StaticCredentials.Of("key", "secret"));
        // The outcome is known even for a write.
        var error = (await api.CreateRouteEntriesAsync(Region, [Route("10.24.1.0/24")], Token)).Error!;
        Assert.Equal((CloudErrorKind.Retry, "<connect>"), (error.Kind, error.Code));
        Assert.Contains("no connection within", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_listing_has_one_time_limit_for_all_pages()
    {
        var clock = new FakeTimeProvider(Start);
        var token = 0;
        var handler = new StubHandler((_, _, _) =>
        {
            clock.Advance(TimeSpan.FromSeconds(15));
            return Task.FromResult(StubHandler.Answer(HttpStatusCode.OK,
                $$$"""{"RequestId":"R","NextToken":"t{{{++token}}}","RouteEntrys":{"RouteEntry":[]}}"""));
        });
        using var api = Api(handler, clock: clock);
        var error = (await api.DescribeRouteEntryListAsync(Region, "vtb-1", Token)).Error!;
        Assert.Equal((CloudErrorKind.Retry, "<timeout>"), (error.Kind, error.Code));
        Assert.InRange(handler.Requests.Count, 3, 6);
    }

    [Fact]
    public async Task A_caller_that_cancels_gets_its_own_exception()
    {
        await using var cloud = await StartAsync();
        cloud.Fail(FaultKind.TimeoutAfterSuccess, "DescribeVpcAttribute", null, f => f with { DelayMilliseconds = 300_000 });
        using var mine = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var call = cloud.Api.DescribeVpcAttributeAsync(Region, "vpc-1", mine.Token);
        await Eventually.Is(() => cloud.Cloud.Calls.Count("vpc", "DescribeVpcAttribute") == 1);
        await mine.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }

    [Fact]
    public async Task While_the_API_is_down_nothing_is_sent_and_calls_recover()
    {
        await using var cloud = await StartAsync();
        await cloud.Cloud.StopApiAsync();
        var error = (await cloud.Api.CreateRouteEntriesAsync(Region, [Route("10.24.1.0/24")], Token)).Error!;
        Assert.Equal((CloudErrorKind.Retry, "<connect>"), (error.Kind, error.Code));
        await cloud.Cloud.StartApiAsync(Token);
        Assert.True((await cloud.Api.CreateRouteEntriesAsync(Region, [Route("10.24.1.0/24")], Token)).Ok);
    }

    [Theory]
    [InlineData(true, CloudErrorKind.Reread)]
    [InlineData(false, CloudErrorKind.Retry)]
    public async Task An_HTML_page_of_a_gateway_is_an_invalid_response(bool write, CloudErrorKind kind)
    {
        await using var cloud = await StartAsync();
        cloud.Fail(FaultKind.Status, "*", null, f => f with { HttpStatus = 502 });
        var error = write
            ? (await cloud.Api.CreateRouteEntryAsync(Region, Route("10.24.1.0/24"), "t", Token)).Error!
            : (await cloud.Api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Error!;
        Assert.Equal((kind, "<answer>", 502), (error.Kind, error.Code, error.HttpStatus));
    }

    [Theory]
    [InlineData("TaskConflict", "Limit:300,Remain:299,TimeLeft:58000,Reset:1", 0)]
    [InlineData("TaskConflict", "Limit:300,Remain:0,TimeLeft:58000,Reset:1", 58)]
    [InlineData("Throttling.Api", "Limit:300,Remain:299,TimeLeft:58000,Reset:1", 58)]
    [InlineData("Rejected.Throttling", "Limit:300,Remain:1,TimeLeft:3000,Reset:1", 3)]
    public async Task The_rate_limit_applies_only_if_throttled_or_if_no_calls_remain(string code, string limit, int seconds)
    {
        await using var cloud = await StartAsync();
        cloud.Fail(FaultKind.Code, "CreateRouteEntries", code,
            f => f with { Headers = new Dictionary<string, string> { ["x-ratelimit-user-api"] = limit } });
        var error = (await cloud.Api.CreateRouteEntriesAsync(Region, [Route("10.24.1.0/24")], Token)).Error!;
        Assert.Equal(seconds == 0 ? null : TimeSpan.FromSeconds(seconds), error.RetryAfter);
        Assert.Equal(code != "TaskConflict", error.IsThrottling);
    }

    [Fact]
    public async Task An_error_in_XML_is_read_like_JSON()
    {
        await using var cloud = await StartAsync();
        cloud.Fail(FaultKind.Status, "*", null, f => f with
        {
            HttpStatus = 403,
            Times = 2,
            Body = "<?xml version='1.0' encoding='UTF-8'?><Error><RequestId>4C46-1</RequestId><HostId>vpc.aliyuncs.com</HostId>"
                + "<Code>Forbidden.RAM</Code><Message>User not authorized &amp; refused.</Message></Error>",
        });
        foreach (var error in new[]
        {
            (await cloud.Api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Error!,
            (await cloud.Api.CreateRouteEntriesAsync(Region, [Route("10.24.1.0/24")], Token)).Error!,
        })
        {
            Assert.Equal((CloudErrorKind.Denied, "Forbidden.RAM", "4C46-1"), (error.Kind, error.Code, error.RequestId));
            Assert.Equal("User not authorized & refused.", error.Message);
            Assert.StartsWith("vpc:", error.DeniedAction, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(403, CloudErrorKind.Denied)]
    [InlineData(401, CloudErrorKind.Denied)]
    [InlineData(429, CloudErrorKind.Retry)]
    [InlineData(500, CloudErrorKind.Reread)]
    [InlineData(504, CloudErrorKind.Reread)]
    public async Task An_HTML_page_is_classified_by_its_status(int status, CloudErrorKind kind)
    {
        await using var cloud = await StartAsync();
        cloud.Fail(FaultKind.Status, "*", null,
            f => f with { HttpStatus = status, Headers = new Dictionary<string, string> { ["Retry-After"] = "9" } });
        var error = (await cloud.Api.CreateRouteEntriesAsync(Region, [Route("10.24.1.0/24")], Token)).Error!;
        Assert.Equal((kind, status, TimeSpan.FromSeconds(9)), (error.Kind, error.HttpStatus, error.RetryAfter!.Value));
        Assert.Equal(kind == CloudErrorKind.Reread, error.Code.StartsWith('<')); // only such a code is an outage
        Assert.Contains($"HTTP {status}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_call_goes_to_the_configured_region()
    {
        var handler = StubHandler.Always(HttpStatusCode.OK, VpcBody);
        using var api = Api(handler, o => o with { RegionId = "cn-beijing" });
        await api.DescribeVpcAttributeAsync("cn-hangzhou", "vpc-1", Token);
        await api.CreateRouteEntriesAsync("cn-hangzhou", [Route("10.24.1.0/24")], Token);
        await api.DisableSourceDestCheckAsync("cn-hangzhou", "eni-1", Token);
        await api.DryRunAsync(RouteWriteCall.DeleteRouteEntries, "cn-hangzhou", Route("10.24.1.0/24"), Token);
        Assert.Equal(4, handler.Requests.Count);
        Assert.All(handler.Requests, r =>
        {
            Assert.EndsWith("-vpc.cn-beijing.aliyuncs.com", r.Host, StringComparison.Ordinal);
            Assert.Contains("RegionId=cn-beijing", r.Address.Query, StringComparison.Ordinal);
            Assert.DoesNotContain("cn-hangzhou", r.Address.ToString(), StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("<html>a proxy's page</html>")]
    [InlineData("""{"RequestId":""}""")]
    [InlineData("""{"RequestId":"R"}""")]
    public async Task An_empty_response_is_never_a_success(string body)
    {
        using var api = Api(StubHandler.Always(HttpStatusCode.OK, body));
        Assert.Equal(CloudErrorKind.Reread, (await api.CreateRouteEntryAsync(Region, Route("10.24.1.0/24"), "t", Token)).Error!.Kind);
        Assert.Equal(CloudErrorKind.Reread, (await api.CreateRouteEntriesAsync(Region, [Route("10.24.1.0/24")], Token)).Error!.Kind);
        Assert.Equal("<answer>", (await api.DescribeRouteEntryListAsync(Region, "vtb-1", Token)).Error!.Code);
        Assert.Equal("<answer>", (await api.DescribeRouteTableListAsync(Region, "vpc-1", Token)).Error!.Code);
        Assert.Equal("<answer>", (await api.DescribeVSwitchesAsync(Region, "vpc-1", Token)).Error!.Code);
        Assert.Equal("<answer>", (await api.DescribeVSwitchAttributesAsync(Region, "vsw-1", Token)).Error!.Code);
        Assert.Equal("<answer>", (await api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Error!.Code);
        Assert.Equal("<answer>", (await api.DescribeNetworkInterfacesAsync(Region, ["eni-1"], Token)).Error!.Code);
    }

    [Theory]
    [InlineData("""{"RequestId":"R","SuccessCount":1,"FailedCount":0}""")]
    [InlineData("""{"RequestId":"R","SuccessCount":1,"FailedCount":1,"FailedRouteEntries":[]}""")]
    [InlineData("""{"RequestId":"R","SuccessCount":2}""")]
    public async Task A_batch_that_does_not_account_for_each_entry_is_read_again(string body)
    {
        using var api = Api(StubHandler.Always(HttpStatusCode.OK, body));
        var answer = await api.CreateRouteEntriesAsync(Region, [Route("10.24.1.0/24"), Route("10.24.2.0/24")], Token);
        Assert.Equal(CloudErrorKind.Reread, answer.Error!.Kind);
    }

    [Fact]
    public async Task A_response_beyond_the_limit_is_an_error()
    {
        using var api = Api(StubHandler.Always(HttpStatusCode.OK, VpcBody), o => o with { MaxResponseBytes = 20 });
        Assert.Equal("<answer>", (await api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Error!.Code);
    }

    [Fact]
    public async Task A_rejected_key_is_replaced_and_the_call_repeated_once()
    {
        await using var cloud = await StartAsync();
        var keys = new StaticCredentials(
            AccessKey.Create("LTAIoff", KeySecret).Value, AccessKey.Create(KeyId, KeySecret).Value);
        Assert.True((await cloud.ApiWith(keys).DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Ok);
        Assert.Equal(1, keys.Refreshes);
    }

    [Theory]
    [InlineData("InvalidSecurityToken.Expired")]
    [InlineData("InvalidSecurityToken.Malformed")]
    [InlineData("InvalidSecurityToken.MismatchWithAccessKey")]
    [InlineData("MissingSecurityToken")]
    [InlineData("InvalidAccessKeyId.NotFound")]
    public async Task A_key_that_is_rejected_again_ends_the_call(string code)
    {
        var handler = new StubHandler((_, _, _) => Task.FromResult(StubHandler.Error(code)));
        var keys = new StaticCredentials([.. Enumerable.Range(0, 5).Select(i => AccessKey.Create($"key{i}", "secret").Value)]);
        using var api = Api(handler, credentials: keys);
        var error = (await api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Error!;
        Assert.Equal((CloudErrorKind.RefreshCredentials, code), (error.Kind, error.Code));
        Assert.Equal((2, 1), (handler.Requests.Count, keys.Refreshes));
    }

    [Fact]
    public async Task The_same_key_is_not_tried_twice()
    {
        var handler = new StubHandler((_, _, _) => Task.FromResult(StubHandler.Error("InvalidAccessKeyId.Inactive")));
        using var api = Api(handler);
        Assert.False((await api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Ok);
        Assert.Single(handler.Requests);
    }

    [Fact]
    public async Task Without_a_key_nothing_is_sent_and_the_error_has_the_reason()
    {
        var handler = StubHandler.Always(HttpStatusCode.OK, VpcBody);
        using var api = Api(handler, credentials: new StaticCredentials());
        var error = (await api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Error!;
        Assert.Equal((CloudErrorKind.RefreshCredentials, "<credentials>", "no key in this test"), (error.Kind, error.Code, error.Message));
        Assert.Empty(handler.Requests);
    }

    [Fact]
    public async Task A_used_nonce_is_replaced_once()
    {
        var handler = new StubHandler((_, n, _) => Task.FromResult(
            n == 0 ? StubHandler.Error("SignatureNonceUsed") : StubHandler.Answer(HttpStatusCode.OK, VpcBody)));
        using var api = Api(handler);
        Assert.True((await api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Ok);
        Assert.Equal(2, handler.Requests.Select(r => r.Headers["x-acs-signature-nonce"]).Distinct().Count());

        var stubborn = new StubHandler((_, _, _) => Task.FromResult(StubHandler.Error("SignatureNonceUsed")));
        using var second = Api(stubborn);
        Assert.Equal(CloudErrorKind.Retry, (await second.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Error!.Kind);
        Assert.Equal(2, stubborn.Requests.Count);
    }

    [Fact]
    public async Task A_wrong_clock_is_corrected_and_reported_once()
    {
        var wrong = new FakeTimeProvider(DateTimeOffset.UtcNow.AddMinutes(47));
        await using var cloud = await StartAsync(clock: wrong, cloudClock: TimeProvider.System);
        Assert.True((await cloud.Api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Ok);
        Assert.True((await cloud.Api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Ok);
        Assert.Equal(1, cloud.Logger.Count(3003));
        Assert.Equal(3, cloud.Cloud.Calls.All.Count); // one rejected, two successful
    }

    [Fact]
    public async Task A_clock_that_cannot_be_corrected_does_not_loop()
    {
        foreach (var headers in new (
            string, string)[][] { [], [("Date", Start.AddSeconds(20).ToString("R", CultureInfo.InvariantCulture))] })
        {
            var handler = new StubHandler((_, _, _) => Task.FromResult(StubHandler.Error("InvalidTimeStamp.Expired", headers)));
            using var api = Api(handler);
            Assert.Equal(CloudErrorKind.Retry, (await api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Error!.Kind);
            Assert.Single(handler.Requests);
        }

        var far = new StubHandler((_, _, _) => Task.FromResult(
            StubHandler.Error("InvalidTimeStamp.Expired", ("Date", Start.AddHours(2).ToString("R", CultureInfo.InvariantCulture)))));
        using var second = Api(far);
        Assert.False((await second.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Ok);
        Assert.Equal(["2026-01-02T03:04:05Z", "2026-01-02T05:04:05Z"], far.Requests.Select(r => r.Headers["x-acs-date"]));
    }

    [Fact]
    public async Task The_public_host_is_used_if_the_internal_name_is_unknown()
    {
        var clock = new FakeTimeProvider(Start);
        var handler = new StubHandler((request, _, _) => request.RequestUri!.Host.Contains("-vpc.", StringComparison.Ordinal)
            ? throw new HttpRequestException(HttpRequestError.NameResolutionError, "no such host")
            : Task.FromResult(StubHandler.Answer(HttpStatusCode.OK, VpcBody)));
        using var api = Api(handler, clock: clock);
        Assert.True((await api.DescribeVpcAttributeAsync("cn-beijing", "vpc-1", Token)).Ok);
        Assert.True((await api.DescribeVpcAttributeAsync("cn-beijing", "vpc-1", Token)).Ok);
        clock.Advance(TimeSpan.FromMinutes(11));
        Assert.True((await api.DescribeVpcAttributeAsync("cn-beijing", "vpc-1", Token)).Ok);
        Assert.Equal(
            [
                "https://vpc-vpc.cn-beijing.aliyuncs.com", "https://vpc.cn-beijing.aliyuncs.com", "https://vpc.cn-beijing.aliyuncs.com",
                "https://vpc-vpc.cn-beijing.aliyuncs.com", "https://vpc.cn-beijing.aliyuncs.com",
            ],
            handler.Requests.Select(r => r.Address.GetLeftPart(UriPartial.Authority)));
    }

    /// <summary>The C library waits for an unresponsive name server longer than a connection may take.</summary>
    [Fact]
    public async Task An_unresponsive_name_server_is_reported_and_the_public_host_is_tried()
    {
        List<string> asked = [];
        var options = new CloudApiOptions
        {
            ProgramVersion = "t",
            NameTimeout = TimeSpan.FromMilliseconds(100),
            Resolve = async (host, cancellation) =>
            {
                asked.Add(host);
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
                return [];
            },
        };
        using var api = new CloudApi(Contexts.Create(options), StaticCredentials.Of("key", "secret"));
        var error = (await api.DisableSourceDestCheckAsync("cn-beijing", "eni-1", Token)).Error!;
        Assert.Equal((CloudErrorKind.Retry, "<connect>"), (error.Kind, error.Code));
        Assert.Contains("no response from the name server within 0.1 s", error.Message, StringComparison.Ordinal);
        Assert.Equal(["ecs-vpc.cn-beijing.aliyuncs.com", "ecs.cn-beijing.aliyuncs.com"], asked);
        var probe = await EndpointCheck.EcsAsync(options, "cn-beijing", TimeProvider.System, Token);
        Assert.False(probe.IsReachable);
        Assert.Contains("ecs.cn-beijing.aliyuncs.com does not resolve: no response from the name server within 0.1 s", probe.Detail,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task If_no_name_resolves_the_call_can_be_retried()
    {
        var handler = new StubHandler((_, _, _) => throw new HttpRequestException(HttpRequestError.NameResolutionError, "no such host"));
        using var api = Api(handler);
        var error = (await api.DisableSourceDestCheckAsync("cn-beijing", "eni-1", Token)).Error!;
        Assert.Equal((CloudErrorKind.Retry, "<connect>"), (error.Kind, error.Code));
        Assert.Equal(["ecs-vpc.cn-beijing.aliyuncs.com", "ecs.cn-beijing.aliyuncs.com"], handler.Requests.Select(r => r.Address.Host));
    }

    [Fact]
    public async Task An_invalid_region_does_not_become_part_of_a_host_name()
    {
        var handler = StubHandler.Always(HttpStatusCode.OK, VpcBody);
        using var api = Api(handler);
        Assert.Equal(CloudErrorKind.Fatal, (await api.DescribeVpcAttributeAsync("evil.example/", "vpc-1", Token)).Error!.Kind);
        Assert.Empty(handler.Requests);
    }

    [Fact]
    public async Task A_request_has_its_parameters_in_the_query_as_signed()
    {
        var handler = StubHandler.Always(HttpStatusCode.OK, """{"RequestId":"R","SuccessCount":1,"FailedCount":0}""");
        using var api = Api(handler);
        var entry = Route("10.24.1.0/24") with { Name = "a b*c", Description = "ä/ö~" };
        Assert.True((await api.CreateRouteEntriesAsync(Region, [entry], Token)).Ok);
        var request = Assert.Single(handler.Requests);
        Assert.Equal("flannel-aot/1.2.3", request.Headers["User-Agent"]);
        Assert.Equal("vpc-vpc.cn-hangzhou.aliyuncs.com", request.Host);
        Assert.Equal(
            "?RegionId=cn-hangzhou&RouteEntries.1.Description=%C3%A4%2F%C3%B6~&RouteEntries.1.DstCidrBlock=10.24.1.0%2F24"
            + "&RouteEntries.1.Name=a%20b%2Ac&RouteEntries.1.NextHop=i-1&RouteEntries.1.NextHopType=Instance"
            + "&RouteEntries.1.RouteTableId=vtb-1",
            request.Address.Query);
    }

    [Fact]
    public async Task An_endpoint_without_TLS_is_reported_once_for_each_service()
    {
        var logger = new RecordingLogger();
        var plain = CloudEndpoint.Parse("http://127.0.0.1:8080").Value;
        var options = new CloudApiOptions { ProgramVersion = "t", VpcEndpoint = plain, EcsEndpoint = plain, QuotasEndpoint = plain };
        var handler = StubHandler.Always(HttpStatusCode.OK, """{"RequestId":"R"}""");
        using var api = new CloudApi(Contexts.Create(options, logger: logger, handler: handler), StaticCredentials.Of("key", "secret"));
        for (var i = 0; i < 2; i++)
        {
            await api.DescribeVpcAttributeAsync(Region, "vpc-1", Token);
            await api.DisableSourceDestCheckAsync(Region, "eni-1", Token);
            await api.GetRouteEntryQuotaAsync(Region, Token);
        }

        Assert.Equal(3, logger.Count(3002));
    }

    [Fact]
    public async Task Every_failed_call_is_logged_with_its_request_id()
    {
        await using var cloud = await StartAsync();
        var answer = await cloud.Api.DescribeVSwitchAttributesAsync(Region, "vsw-none", Token);
        Assert.Contains(cloud.Logger.Lines, l => l.Id == 3001 && l.Text.Contains(answer.RequestId, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_request_and_every_repetition_is_reported_with_its_duration()
    {
        var observer = new RecordingObserver();
        var time = new FakeTimeProvider(Start);
        var handler = new StubHandler((_, n, _) =>
        {
            time.Advance(TimeSpan.FromSeconds(3));
            return Task.FromResult(n switch
            {
                0 => StubHandler.Error("SignatureNonceUsed"),
                1 => StubHandler.Answer(HttpStatusCode.OK, VpcBody),
                _ => StubHandler.Error("Throttling"),
            });
        });
        var context = Contexts.Create(time: time, handler: handler) with { Observer = observer };
        using var api = new CloudApi(context, StaticCredentials.Of("key", "secret"));
        await api.DescribeVpcAttributeAsync(Region, "vpc-1", Token);
        await api.DisableSourceDestCheckAsync(Region, "eni-1", Token);
        Assert.Equal(
            [
                "vpc DescribeVpcAttribute SignatureNonceUsed 3 s", "vpc DescribeVpcAttribute retried", "vpc DescribeVpcAttribute OK 3 s",
                "ecs ModifyNetworkInterfaceAttribute Throttling 3 s",
            ], observer.Lines.Where(line => !line.StartsWith("clock", StringComparison.Ordinal)));
    }

    private static CloudApi Api(
        StubHandler handler, Func<CloudApiOptions, CloudApiOptions>? change = null, ICredentialSource? credentials = null,
            TimeProvider? clock = null)
    {
        var options = new CloudApiOptions { ProgramVersion = "1.2.3" };
        return new CloudApi(
            Contexts.Create(change?.Invoke(options) ?? options, clock ?? new FakeTimeProvider(Start), handler: handler),
            credentials ?? StaticCredentials.Of("key", "secret"));
    }
}
