using AliCloud.Simulator.Observing;
using Flannel.AliCloud.Metadata;
using Flannel.AliCloud.Tests.Support;
using static Flannel.AliCloud.Tests.Support.TestCloud;

namespace Flannel.AliCloud.Tests.Metadata;

public class MetadataClientTests
{
    private const string TokenCall = "PUT /latest/api/token";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("i-1")]
    [InlineData("i-2")] // hardened mode: rejects requests without a token
    public async Task It_requests_one_token_and_uses_it(string instance)
    {
        await using var cloud = await StartAsync();
        var metadata = cloud.Metadata(instance);
        Assert.Equal(instance, await TextAsync(metadata, "meta-data/instance-id"));
        Assert.Equal(Region, await TextAsync(metadata, "meta-data/region-id"));
        Assert.Equal(1, cloud.Cloud.Calls.Count("metadata", TokenCall));
        Assert.Equal("token mode", metadata.Mode);
    }

    [Fact]
    public async Task Concurrent_requests_share_one_token()
    {
        await using var cloud = await StartAsync();
        var metadata = cloud.Metadata("i-2");
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => metadata.GetAsync("meta-data/instance-id", Token)));
        Assert.All(answers, a => Assert.IsType<MetadataResult.Found>(a));
        Assert.Equal(1, cloud.Cloud.Calls.Count("metadata", TokenCall));
    }

    [Fact]
    public async Task A_token_is_replaced_after_half_of_its_lifetime()
    {
        await using var cloud = await StartAsync();
        var metadata = cloud.Metadata("i-2");
        await TextAsync(metadata, "meta-data/instance-id");
        cloud.Clock.Advance(TimeSpan.FromHours(2.9));
        await TextAsync(metadata, "meta-data/instance-id");
        Assert.Equal(1, cloud.Cloud.Calls.Count("metadata", TokenCall));
        cloud.Clock.Advance(TimeSpan.FromHours(0.2));
        await TextAsync(metadata, "meta-data/instance-id");
        Assert.Equal(2, cloud.Cloud.Calls.Count("metadata", TokenCall));
    }

    [Fact]
    public async Task A_rejected_token_is_replaced_and_the_request_repeated_once()
    {
        await using var server = await MetadataStub.StartAsync((method, headers, n) => method == "PUT"
            ? (200, $"token{n}")
            : headers.Contains("x-aliyun-ecs-metadata-token: token0", StringComparison.OrdinalIgnoreCase) ? (401, "") : (200, "i-7"));
        using var metadata = server.Client();
        Assert.Equal("i-7", await TextAsync(metadata, "meta-data/instance-id"));
        Assert.Equal(["PUT", "GET", "PUT", "GET"], server.Methods);
    }

    [Fact]
    public async Task A_token_that_is_always_rejected_does_not_loop()
    {
        await using var server = await MetadataStub.StartAsync((method, _, n) => method == "PUT" ? (200, $"token{n}") : (401, ""));
        using var metadata = server.Client();
        Assert.IsType<MetadataResult.Failed>(await metadata.GetAsync("meta-data/instance-id", Token));
        Assert.Equal(["PUT", "GET", "PUT", "GET"], server.Methods);
    }

    [Theory]
    [InlineData(404, "")]
    [InlineData(405, "")]
    [InlineData(200, "")]
    [InlineData(200, "a token with blanks")]
    public async Task Without_a_token_it_uses_plain_mode(int status, string body)
    {
        await using var server = await MetadataStub.StartAsync((method, headers, _) =>
            method == "PUT" ? (status, body) : headers.Contains("metadata-token:", StringComparison.OrdinalIgnoreCase) ? (400, "") : (
                200, "i-7"));
        using var metadata = server.Client();
        Assert.Equal("i-7", await TextAsync(metadata, "meta-data/instance-id"));
        Assert.Equal("i-7", await TextAsync(metadata, "meta-data/instance-id"));
        Assert.Equal(["PUT", "GET", "GET"], server.Methods);
        Assert.Equal("plain mode", metadata.Mode);
    }

    [Fact]
    public async Task Without_a_token_it_fails_if_plain_mode_is_forbidden()
    {
        await using var server = await MetadataStub.StartAsync((method, _, _) => method == "PUT" ? (404, "") : (200, "i-7"));
        using var metadata = server.Client(o => o with { TokenOnly = true });
        var failed = Assert.IsType<MetadataResult.Failed>(await metadata.GetAsync("meta-data/instance-id", Token));
        Assert.Contains("ALIBABA_CLOUD_IMDSV1_DISABLED", failed.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("GET", server.Methods);
    }

    [Fact]
    public async Task A_rejected_request_in_plain_mode_requests_a_token_again()
    {
        var puts = 0;
        await using var server = await MetadataStub.StartAsync((method, headers, _) => method == "PUT"
            ? (++puts == 1 ? 404 : 200, "token")
            : headers.Contains("metadata-token:", StringComparison.OrdinalIgnoreCase) ? (200, "i-7") : (403, ""));
        using var metadata = server.Client();
        Assert.Equal("i-7", await TextAsync(metadata, "meta-data/instance-id"));
    }

    [Fact]
    public async Task A_missing_item_is_not_found()
    {
        await using var cloud = await StartAsync();
        Assert.IsType<MetadataResult.NotFound>(await cloud.Metadata("i-3").GetAsync("meta-data/nothing-here", Token));
    }

    [Theory]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    public async Task A_busy_service_is_retried(int status)
    {
        await using var cloud = await StartAsync();
        cloud.Cloud.Faults.Add(new Fault
        {
            Service = "metadata",
            Action = "GET /latest/meta-data/instance-id",
            Kind = FaultKind.Status,
            HttpStatus = status,
            Times = 2
        });
        var metadata = cloud.Metadata("i-1", o => o with { FirstRetryPause = TimeSpan.Zero });
        Assert.Equal("i-1", await TextAsync(metadata, "meta-data/instance-id"));
    }

    [Fact]
    public async Task A_service_that_stays_busy_fails_after_four_requests()
    {
        await using var server = await MetadataStub.StartAsync((method, _, _) => method == "PUT" ? (404, "") : (429, ""));
        using var metadata = server.Client();
        var failed = Assert.IsType<MetadataResult.Failed>(await metadata.GetAsync("meta-data/instance-id", Token));
        Assert.Contains("429", failed.Reason, StringComparison.Ordinal);
        Assert.Equal(4, server.Methods.Count(m => m == "GET"));
    }

    [Fact]
    public async Task A_response_beyond_the_limit_fails()
    {
        await using var server = await MetadataStub.StartAsync(
            (method, _, _) => method == "PUT" ? (404, "") : (200, new string('x', 100_000)));
        using var metadata = server.Client();
        Assert.IsType<MetadataResult.Failed>(await metadata.GetAsync("meta-data/instance-id", Token));
    }

    [Fact]
    public async Task An_unavailable_service_is_reported_in_one_line()
    {
        await using var cloud = await StartAsync();
        var metadata = cloud.Metadata("i-1");
        await cloud.Cloud.StopMetadataAsync();
        var unreachable = Assert.IsType<MetadataResult.Unreachable>(await metadata.GetAsync("meta-data/instance-id", Token));
        Assert.Contains(metadata.Endpoint, unreachable.Reason, StringComparison.Ordinal);
        await cloud.Cloud.StartMetadataAsync(Token);
        Assert.Equal("i-1", await TextAsync(metadata, "meta-data/instance-id"));
    }

    [Fact]
    public async Task An_unresponsive_service_times_out()
    {
        await using var cloud = await StartAsync();
        cloud.Cloud.Faults.Add(new Fault { Service = "metadata", Kind = FaultKind.TimeoutAfterSuccess, DelayMilliseconds = 300_000 });
        var call = cloud.Metadata("i-1").GetAsync("meta-data/instance-id", Token);
        await Eventually.Is(() => cloud.Cloud.Calls.All.Count == 1);
        cloud.Clock.Advance(TimeSpan.FromSeconds(4));
        Assert.IsType<MetadataResult.Unreachable>(await call);
    }

    [Fact]
    public async Task The_result_does_not_print_its_text()
    {
        await using var cloud = await StartAsync();
        var found = await cloud.Metadata("i-1").GetAsync("meta-data/ram/security-credentials/FlannelRole", Token);
        Assert.DoesNotContain("AccessKeySecret", found.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("AccessKeySecret", $"{found}", StringComparison.Ordinal);
    }

    private static async Task<string> TextAsync(MetadataClient metadata, string path) =>
        Assert.IsType<MetadataResult.Found>(await metadata.GetAsync(path, Token)).Text;
}
