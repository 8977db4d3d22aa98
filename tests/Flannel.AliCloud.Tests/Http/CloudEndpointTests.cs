using CsCheck;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Tests.Support;

namespace Flannel.AliCloud.Tests.Http;

public class CloudEndpointTests
{
    [Theory]
    [InlineData("https://vpc.cn-hangzhou.aliyuncs.com", "https://vpc.cn-hangzhou.aliyuncs.com", "vpc.cn-hangzhou.aliyuncs.com", false)]
    [InlineData("https://example.org:8443", "https://example.org:8443", "example.org:8443", false)]
    [InlineData("https://example.org:443/", "https://example.org", "example.org", false)]
    [InlineData("http://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1:8080", true)]
    [InlineData("http://[::1]:8080", "http://[::1]:8080", "[::1]:8080", true)]
    public void Scheme_and_port_are_kept(string text, string address, string host, bool plain)
    {
        var endpoint = CloudEndpoint.Parse(text).Value;
        Assert.Equal((address, host, plain), (endpoint.ToString(), endpoint.Host, endpoint.IsPlain));
    }

    [Theory]
    [InlineData("", "no endpoint given")]
    [InlineData("vpc.cn-hangzhou.aliyuncs.com", "\"vpc.cn-hangzhou.aliyuncs.com\" has no scheme; use http:// or https://")]
    [InlineData("example.org:8443", "\"example.org:8443\" has no scheme; use http:// or https://")]
    [InlineData("ftp://example.org", "has another scheme than http and https")]
    [InlineData("https://user@example.org", "holds a user")]
    [InlineData("https://example.org/path", "has a path, a query or a fragment")]
    [InlineData("https://example.org/?a=b", "has a path, a query or a fragment")]
    [InlineData("https://example.org#x", "has a path, a query or a fragment")]
    [InlineData("a b", "has no scheme")]
    [InlineData("https://exämple.org", "is not an endpoint")]
    [InlineData("https://", "is not an endpoint")]
    [InlineData(
        "https://a.name.longer.than.any.name.may.be.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
        + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
        + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "is not an endpoint")]
    public void Other_text_is_rejected_with_one_line(string text, string expected)
    {
        var error = CloudEndpoint.Parse(text).Error!;
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error);
    }

    [Fact]
    public void No_input_makes_it_throw() =>
        Gen.String.Sample(text => CloudEndpoint.Parse(text) is { Ok: true } or { Error.Length: > 0 }, seed: Seeds.Texts, iter: 2000);

    [Theory]
    [InlineData("cn-hangzhou", "vpc-vpc.cn-hangzhou.aliyuncs.com", "vpc.aliyuncs.com")]
    [InlineData("cn-shanghai-finance-1", "vpc-vpc.cn-shanghai-finance-1.aliyuncs.com", "vpc.aliyuncs.com")]
    [InlineData("eu-central-1", "vpc-vpc.eu-central-1.aliyuncs.com", "vpc.eu-central-1.aliyuncs.com")]
    public void A_region_has_an_internal_host_and_then_a_public_one(string region, string internalHost, string publicHost) =>
        Assert.Equal([internalHost, publicHost],
            new CloudEndpoints(_ => null, TimeProvider.System).Candidates(CloudService.Vpc, region).Select(e => e.Host));

    [Fact]
    public void A_configured_endpoint_is_the_only_one()
    {
        var configured = CloudEndpoint.Parse("https://example.org").Value;
        var endpoints = new CloudEndpoints(s => s == CloudService.Ecs ? configured : null, TimeProvider.System);
        Assert.Equal([configured], endpoints.Candidates(CloudService.Ecs, "not a region"));
        Assert.Empty(endpoints.Candidates(CloudService.Vpc, "not a region"));
    }
}
