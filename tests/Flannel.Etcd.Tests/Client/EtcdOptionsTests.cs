using Flannel.Core;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;

namespace Flannel.Etcd.Tests.Client;

public sealed class EtcdOptionsTests
{
    [Theory]
    [InlineData("http://127.0.0.1:4001,http://127.0.0.1:2379", "http://127.0.0.1:4001,http://127.0.0.1:2379")]
    [InlineData(" https://etcd.example:2379/ , ", "https://etcd.example:2379")]
    [InlineData("http://etcd.example", "http://etcd.example:2379")]
    [InlineData("https://[fd00::1]", "https://[fd00::1]:2379")]
    [InlineData("https://[fd00::1]:443", "https://[fd00::1]")]
    public void Endpoints_are_separated_by_commas_and_have_etcds_port_unless_another_is_given(string text, string endpoints)
    {
        Assert.Equal(endpoints, EtcdOptions.Create(text).Value.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData(",")]
    [InlineData("10.0.0.1:2379")]
    [InlineData("etcd.example")]
    [InlineData("http://10.0.0.1:2379,10.0.0.2:2379")]
    [InlineData("ftp://10.0.0.1:2379")]
    [InlineData("http://10.0.0.1:2379#fragment")]
    [InlineData("root:S3cret@10.0.0.1:2379")]
    [InlineData("http://10.0.0.1:2379/v2/keys")]
    [InlineData("http://user:S3cret@10.0.0.1:2379")]
    [InlineData("http://:2379")]
    public void Invalid_endpoints_are_rejected_in_one_line(string text)
    {
        var error = EtcdOptions.Create(text).Error;
        Assert.False(string.IsNullOrEmpty(error));
        Assert.DoesNotContain('\n', error);
        Assert.DoesNotContain("S3cret", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cert.pem", null, null, null)]
    [InlineData(null, "key.pem", null, null)]
    [InlineData(null, null, "flannel", null)]
    [InlineData(null, null, null, "password")]
    public void An_option_without_its_counterpart_is_rejected(string? cert, string? key, string? user, string? password) =>
        Assert.False(EtcdOptions.Create("http://h:1", null, cert, key, user, password is null ? null : new Secret(password)).Ok);

    [Fact]
    public void A_user_name_may_contain_the_password_as_in_upstream()
    {
        var options = EtcdOptions.Create("http://h:1", userName: "flannel:pa:ss").Value;
        Assert.Equal("flannel", options.UserName);
        Assert.Equal("pa:ss", options.Password!.RevealText());
    }

    [Theory]
    [InlineData("/coreos.com/network", "/coreos.com/network")]
    [InlineData("/coreos.com/network/", "/coreos.com/network")]
    [InlineData("//coreos.com//network", "/coreos.com/network")]
    // As Go's path.Join, which upstream builds its keys with.
    [InlineData("coreos.com/network", "coreos.com/network")]
    [InlineData("coreos.com/network/", "coreos.com/network")]
    [InlineData("./coreos.com/network", "coreos.com/network")]
    [InlineData("/coreos.com/../network", "/network")]
    [InlineData("/../coreos.com/./network", "/coreos.com/network")]
    public void A_prefix_is_normalized_as_in_upstream(string text, string prefix)
    {
        var keys = EtcdKeys.Parse(text).Value;
        Assert.Equal(prefix, keys.Prefix);
        Assert.Equal(prefix + "/config", keys.Config.ToStringUtf8());
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/a/..")]
    [InlineData("a/../../b")]
    [InlineData("/a\nb")]
    // An endpoint in the wrong option, which may contain a password.
    [InlineData("http://10.0.0.1:2379/coreos.com/network")]
    [InlineData("root:S3cret@10.0.0.1/coreos.com/network")]
    public void An_invalid_prefix_is_rejected(string text)
    {
        var error = EtcdKeys.Parse(text).Error;
        Assert.False(string.IsNullOrEmpty(error));
        Assert.DoesNotContain("S3cret", error, StringComparison.Ordinal);
    }
}
