using CsCheck;
using Flannel.AliCloud.Metadata;
using Flannel.AliCloud.Tests.Support;
using Flannel.Core;

namespace Flannel.AliCloud.Tests.Metadata;

public class MetadataOptionsTests
{
    [Theory]
    [InlineData("http://100.100.100.200", "http://100.100.100.200/", null, false)]
    [InlineData("http://127.0.0.1:41234/", "http://127.0.0.1:41234/", "true", true)]
    [InlineData("http://127.0.0.1:41234/", "http://127.0.0.1:41234/", "TRUE ", true)]
    [InlineData("http://127.0.0.1:41234/", "http://127.0.0.1:41234/", "1", false)]
    public void An_address_and_the_switch_of_the_SDKs_are_understood(string text, string address, string? disabled, bool tokenOnly)
    {
        var options = MetadataOptions.Parse(text, name => name == "ALIBABA_CLOUD_IMDSV1_DISABLED" ? disabled : null, out var error)!;
        Assert.Equal((address, tokenOnly, ""), (options.Endpoint.ToString(), options.TokenOnly, error));
    }

    [Theory]
    [InlineData("100.100.100.200")]
    [InlineData("http://100.100.100.200/latest")]
    [InlineData("http://user@100.100.100.200")]
    [InlineData("file:///etc/passwd")]
    [InlineData("")]
    public void Anything_else_is_refused_in_one_line(string text)
    {
        Assert.Null(MetadataOptions.Parse(text, _ => null, out var error));
        Assert.NotEmpty(error);
    }

    [Fact]
    public void No_text_makes_it_throw() =>
        Gen.String.Sample(text => MetadataOptions.Parse(text, _ => null, out var error) is null == error.Length > 0, seed: Seeds.Texts, iter: 1000);
}
