using System.Text;
using CsCheck;
using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Tests.Support;

namespace Flannel.AliCloud.Tests.Credentials;

public class KeyFileFormatTests
{
    [Theory]
    [InlineData("""{"AccessKeyId":"LTAI1","AccessKeySecret":"sEcReT"}""", null)]
    [InlineData(
        """  { "AccessKeySecret":"sEcReT", "accesskeyid":"LTAI1", "SecurityToken":"tok", "Expiration":"2026-01-02T03:04:05Z", "Code":"Success" }""",
        "tok")]
    [InlineData("AccessKey ID,AccessKey Secret\r\nLTAI1,sEcReT\r\n", null)]
    [InlineData("\uFEFF\"AccessKey ID\",\"AccessKey Secret\"\n\"LTAI1\",\"sEcReT\"", null)]
    [InlineData("User Principal Name,AccessKey ID,AccessKey Secret\nflannel@example.org,LTAI1,sEcReT\n", null)]
    [InlineData("AccessKeyId = LTAI1\nAccessKeySecret = sEcReT\n", null)]
    [InlineData("# of the nodes\n[default]\ntype = access_key\naccess_key_id = LTAI1\naccess_key_secret = sEcReT\n", null)]
    [InlineData("ALIBABA_CLOUD_ACCESS_KEY_ID=LTAI1\nALIBABA_CLOUD_ACCESS_KEY_SECRET='sEcReT'\nALIBABA_CLOUD_SECURITY_TOKEN=\"tok\"", "tok")]
    public void All_forms_of_a_key_file_are_read(string text, string? token)
    {
        var key = KeyFileFormat.Parse(Encoding.UTF8.GetBytes(text)).Value;
        Assert.Equal(("LTAI1", "sEcReT", token), (key.Id, key.Secret.RevealText(), key.SecurityToken?.RevealText()));
    }

    [Fact]
    public void An_expiration_is_kept()
    {
        var key = KeyFileFormat.Parse(
            """{"AccessKeyId":"a","AccessKeySecret":"b","SecurityToken":"c","Expiration":"2026-01-02T03:04:05Z"}"""u8).Value;
        Assert.Equal(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), key.Expiration);
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("\n# nothing\n", "empty")]
    [InlineData("LTAIhidden\nhIdDeN\n", "line 1")]
    [InlineData("AccessKeyId=LTAIhidden", "secret is empty")]
    [InlineData("AccessKeyId=LTAIhidden\nAccessKeySecret=hIdDeN\nhIdDeN=1", "line 3")]
    [InlineData("AccessKeyId=LTAIhidden\nAccessKeyId=hIdDeN", "line 2")]
    [InlineData("[a]\nAccessKeyId=LTAIhidden\n[b]\n", "line 3")]
    [InlineData("AccessKey ID,AccessKey Secret\n", "CSV")]
    [InlineData("AccessKey ID,AccessKey Secret\nLTAIhidden,hIdDeN\nLTAIhidden,hIdDeN\n", "CSV")]
    [InlineData("AccessKey ID,AccessKey Secret\nLTAIhidden,hIdDeN,hIdDeN\n", "CSV")]
    [InlineData("""{"AccessKeyId":"LTAIhidden","AccessKeySecret":"hIdDeN" """, "invalid JSON")]
    [InlineData("""{"AccessKeyId":"LTAIhidden","AccessKeySecret":17}""", "JSON may contain")]
    [InlineData("""{"AccessKeyId":"LTAIhidden","AccessKeySecret":"hIdDeN","hIdDeN":"x"}""", "JSON may contain")]
    [InlineData("""{"AccessKeyId":"\ud800","AccessKeySecret":"hIdDeN"}""", "invalid JSON")]
    [InlineData("type = ram_role_arn\nAccessKeyId=LTAIhidden\nAccessKeySecret=hIdDeN", "line 1")]
    public void Other_content_is_rejected_by_its_line_and_not_quoted(string text, string error)
    {
        var line = KeyFileFormat.Parse(Encoding.UTF8.GetBytes(text)).Error!;
        Assert.Contains(error, line, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", line, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void No_input_makes_it_throw() =>
        Gen.OneOf(
            Gen.Byte.Array[0, 80],
            Gen.OneOf("{", "}", "\"AccessKeyId\"", ":", "\"x\"", ",", "AccessKey ID,AccessKey Secret", "\n", "=", "AccessKeyId",
                "AccessKeySecret", "[", "]", "\"", "'")
                .Array[0, 12].Select(parts => Encoding.UTF8.GetBytes(string.Concat(parts))))
            .Sample(bytes => KeyFileFormat.Parse(bytes) is { Ok: true } or { Error.Length: > 0 }, seed: Seeds.Bytes, iter: 20_000);
}
