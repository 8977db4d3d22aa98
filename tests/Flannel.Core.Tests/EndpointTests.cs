namespace Flannel.Core.Tests;

public sealed class EndpointTests
{
    private const string Form = "use http://host:port or https://host:port";

    [Theory]
    [InlineData("http://192.168.1.11:2379", "http://192.168.1.11:2379/")]
    [InlineData("https://etcd.example.com", "https://etcd.example.com/")]
    [InlineData("HTTPS://ETCD:2379/", "https://etcd:2379/")]
    [InlineData("http://etcd:80", "http://etcd/")]
    public void Scheme_host_and_port_are_kept(string text, string endpoint) =>
        Assert.Equal(endpoint, Endpoint.Parse(text).Value.AbsoluteUri);

    [Theory]
    [InlineData("", "no endpoint given; " + Form)]
    [InlineData("192.168.1.11:2379", "\"192.168.1.11:2379\" has no scheme; use http:// or https://")]
    [InlineData("etcd", "\"etcd\" has no scheme; use http:// or https://")]
    [InlineData("http:etcd", "is not an endpoint; " + Form)]
    [InlineData("https:/etcd:2379", "is not an endpoint; " + Form)]
    [InlineData("http://", "is not an endpoint; " + Form)]
    [InlineData("http://etcd:99999", "is not an endpoint; " + Form)]
    [InlineData("http://[::1", "is not an endpoint; " + Form)]
    [InlineData("http://münchen:2379", "is not an endpoint; " + Form)]
    [InlineData("unix://etcd/", "has another scheme than http and https; use http:// or https://")]
    [InlineData("http://etcd:2379/v3", "has a path, a query or a fragment; " + Form)]
    [InlineData("http://etcd:2379?a=b", "has a path, a query or a fragment; " + Form)]
    [InlineData("http://etcd:2379#a", "has a path, a query or a fragment; " + Form)]
    [InlineData("http://root@etcd:2379", "holds a user; remove the user")]
    [InlineData("root@etcd", "holds a user; remove the user")]
    public void The_error_names_what_is_wrong_and_what_to_use(string text, string message)
    {
        var result = Endpoint.Parse(text);
        Assert.False(result.Ok);
        Assert.EndsWith(message, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_host_name_has_at_most_253_characters()
    {
        var longest = string.Join('.', Enumerable.Repeat(new string('a', 62), 4)) + ".b";
        Assert.Equal(253, longest.Length);
        Assert.Equal(longest, Endpoint.Parse($"http://{longest}:2379").Value.Host);
        Assert.EndsWith($"is not an endpoint; {Form}", Endpoint.Parse($"http://{longest}b:2379").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_caller_says_what_to_do_with_a_user() =>
        Assert.EndsWith("holds a user; use --user", Endpoint.Parse("http://root@etcd:2379", "use --user").Error, StringComparison.Ordinal);

    [Fact]
    public void A_percent_sign_after_the_address_is_not_a_zone() =>
        Assert.EndsWith(
            $"has a path, a query or a fragment; {Form}", Endpoint.Parse("http://[fd00::1]:2379/%41").Error, StringComparison.Ordinal);

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
