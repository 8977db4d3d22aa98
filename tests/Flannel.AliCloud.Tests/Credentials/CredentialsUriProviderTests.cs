using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.AliCloud.Tests.Credentials;

public sealed class CredentialsUriProviderTests
{
    private const string Good =
        """{"AccessKeyId":"of-uri","AccessKeySecret":"s","SecurityToken":"t","Expiration":"2026-01-02T09:00:00Z"}""";

    private readonly FakeTimeProvider clock = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly RecordingLogger logger = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_server_supplies_a_key()
    {
        await using var server = await MetadataStub.StartAsync((_, head, _) =>
            head.StartsWith("GET /keys?for=flanneld HTTP/1.1\n", StringComparison.Ordinal) ? (200, Good) : (404, ""));
        var found = Assert.IsType<ProviderResult.Found>(await FetchAsync($"{server.Address}keys?for=flanneld"));
        Assert.Equal(("of-uri", new DateTimeOffset(2026, 1, 2, 9, 0, 0, TimeSpan.Zero)), (found.Key.Id, found.Key.Expiration));
        Assert.Empty(logger.Lines); // loopback needs no TLS
    }

    [Theory]
    [InlineData(500, "hIdDeN", "HTTP 500")]
    [InlineData(302, "hIdDeN", "HTTP 302")]
    [InlineData(200, "<html>hIdDeN</html>", "not the JSON of a key")]
    [InlineData(200, """{"Code":"Failed","AccessKeyId":"hIdDeN"}""", "Code is not Success")]
    [InlineData(200,
        """{"AccessKeyId":"hIdDeN","AccessKeySecret":"hIdDeN","Expiration":"2026-01-02T09:00:00Z"}""", "lacks its security token")]
    [InlineData(200, """{"AccessKeyId":"hIdDeN","AccessKeySecret":"hIdDeN","SecurityToken":"hIdDeN"}""", "expiration")]
    [InlineData(200, """{"AccessKeyId":"hIdDeN","AccessKeySecret":"hIdDeN","SecurityToken":"hIdDeN","Expiration":"2026-01-02T03:00:00Z"}""",
        "expired")]
    public async Task An_incomplete_or_expired_key_is_rejected_and_not_quoted(int status, string body, string why)
    {
        await using var server = await MetadataStub.StartAsync((_, _, _) => (status, body));
        var line = Assert.IsType<ProviderResult.Failed>(await FetchAsync($"{server.Address}?token=hIdDeN")).Reason;
        Assert.Contains(why, line, StringComparison.Ordinal);
        Assert.DoesNotContain("hIdDeN", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_response_beyond_the_limit_is_not_read()
    {
        await using var server = await MetadataStub.StartAsync((_, _, _) => (200, new string(' ', 70_000)));
        Assert.Contains("more than 65536 bytes", Assert.IsType<ProviderResult.Failed>(await FetchAsync(server.Address)).Reason,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ftp://example.org/hIdDeN")]
    [InlineData("hIdDeN")]
    [InlineData("https://user:hIdDeN@example.org/")]
    public async Task An_invalid_URI_is_rejected_and_not_quoted(string address) =>
        Assert.DoesNotContain("hIdDeN", Assert.IsType<ProviderResult.Failed>(await FetchAsync(address)).Reason, StringComparison.Ordinal);

    [Fact]
    public async Task Without_the_variable_it_is_not_configured() =>
        Assert.Contains("is not set", Assert.IsType<ProviderResult.NotConfigured>(await FetchAsync(null)).Reason, StringComparison.Ordinal);

    [Fact]
    public async Task An_unavailable_server_is_a_failure()
    {
        string address;
        await using (var server = await MetadataStub.StartAsync((_, _, _) => (200, Good))) address = server.Address;
        Assert.Contains("unavailable", Assert.IsType<ProviderResult.Failed>(await FetchAsync(address)).Reason, StringComparison.Ordinal);
    }

    private ValueTask<ProviderResult> FetchAsync(string? address) =>
        new CredentialsUriProvider(
            name => name == "ALIBABA_CLOUD_CREDENTIALS_URI" ? address : null,
            Contexts.Create(time: clock, logger: logger) with { Clock = CloudTime() }).FetchAsync(Token);

    /// <summary>A clock that has measured the cloud's time.</summary>
    private CloudClock CloudTime()
    {
        var known = new CloudClock(clock);
        known.Measure(clock.GetUtcNow());
        return known;
    }
}
