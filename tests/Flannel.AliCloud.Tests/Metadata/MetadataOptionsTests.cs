using CsCheck;
using Flannel.AliCloud.Metadata;
using Flannel.AliCloud.Tests.Support;

namespace Flannel.AliCloud.Tests.Metadata;

public class MetadataOptionsTests
{
    [Theory]
    [InlineData("http://100.100.100.200", "http://100.100.100.200/", null, false)]
    [InlineData("http://127.0.0.1:41234/", "http://127.0.0.1:41234/", "true", true)]
    [InlineData("http://127.0.0.1:41234/", "http://127.0.0.1:41234/", "TRUE ", true)]
    [InlineData("http://127.0.0.1:41234/", "http://127.0.0.1:41234/", "1", false)]
    public void An_address_and_the_variable_of_the_SDKs_are_read(string text, string address, string? disabled, bool tokenOnly)
    {
        var options = MetadataOptions.Parse(text, name => name == "ALIBABA_CLOUD_IMDSV1_DISABLED" ? disabled : null).Value;
        Assert.Equal((address, tokenOnly), (options.Endpoint.ToString(), options.TokenOnly));
    }

    [Theory]
    [InlineData("100.100.100.200")]
    [InlineData("http://100.100.100.200/latest")]
    [InlineData("http://user@100.100.100.200")]
    [InlineData("file:///etc/passwd")]
    [InlineData("")]
    public void Other_text_is_rejected(string text) => Assert.NotEmpty(MetadataOptions.Parse(text, _ => null).Error!);

    [Fact]
    public void No_input_makes_it_throw() =>
        Gen.String.Sample(
            text => MetadataOptions.Parse(text, _ => null) is { Ok: true } or { Error.Length: > 0 }, seed: Seeds.Texts, iter: 1000);
}
