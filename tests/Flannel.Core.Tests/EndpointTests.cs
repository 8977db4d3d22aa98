namespace Flannel.Core.Tests;

public sealed class EndpointTests
{
    /// <summary>.NET drops the zone, and the kernel does not connect to a link-local address without one.</summary>
    [Theory]
    [InlineData("https://[fe80::1%25eth0]:2379")]
    [InlineData("http://[fe80::1%eth0]:2379")]
    [InlineData("http://[fe80::1%25eth0]")]
    [InlineData("http://[fe80::1%2]/")]
    public void An_address_with_a_zone_is_rejected(string text)
    {
        var result = Endpoint.Parse(text);
        Assert.False(result.Ok);
        Assert.Equal("\"***\" has an IPv6 zone (%), which is not supported; use an address without a zone", result.Error);
    }

    [Theory]
    [InlineData("http://[fe80::1]:2379")]
    [InlineData("https://[fd00::1]")]
    public void An_address_without_a_zone_is_accepted(string text) => Assert.Equal(text + "/", Endpoint.Parse(text).Value.AbsoluteUri);

    [Fact]
    public void A_password_next_to_a_zone_is_not_printed()
    {
        Assert.DoesNotContain("S3cret", Endpoint.Parse("http://[fe80::1%S3cret]:2379").Error, StringComparison.Ordinal);
        Assert.Contains("holds a user", Endpoint.Parse("http://root:S3cret@[fe80::1%eth0]:2379").Error, StringComparison.Ordinal);
    }
}
