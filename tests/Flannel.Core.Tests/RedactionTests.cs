using CsCheck;

namespace Flannel.Core.Tests;

public sealed class RedactionTests
{
    private const string Secret = "s3cretOfAnOperator";

    [Theory]
    [InlineData("http://10.0.0.1:2379", "http://10.0.0.1:2379")]
    [InlineData("192.168.1.11:2379", "192.168.1.11:2379")]
    [InlineData("https://[fd00::1]:2379/", "https://[fd00::1]:2379/")]
    [InlineData("http://a:1, http://b:2", "http://a:1,http://b:2")]
    [InlineData("http://10.0.0.1:2379/v2/keys", "http://10.0.0.1:2379…")]
    [InlineData("http://10.0.0.1:2379?password=s3cretOfAnOperator", "http://10.0.0.1:2379…")]
    [InlineData("root:s3cretOfAnOperator@10.0.0.1:2379", "***@10.0.0.1:2379")]
    [InlineData("http://root:s3cretOfAnOperator@etcd.example", "***@etcd.example")]
    [InlineData("//root:s3cretOfAnOperator@10.0.0.1:2379", "***")]
    [InlineData("http://root%3As3cretOfAnOperator%4010.0.0.1:2379", "***")]
    [InlineData("http://root:a,s3cretOfAnOperator@10.0.0.1:2379,http://10.0.0.2:2379", "***,***@10.0.0.1:2379,***")]
    [InlineData("http://10.0.0.1:2379?user=root@s3cretOfAnOperator", "***")]
    [InlineData("root:s3cretOfAnOperator", "root…")]
    [InlineData("s3cretOfAnOperator://10.0.0.1", "***://10.0.0.1")]
    public void Of_an_endpoint_at_most_scheme_host_and_port_are_printed(string text, string shown) =>
        Assert.Equal(shown, Redaction.Endpoints(text));

    [Theory]
    [InlineData("eth0", "eth0")]
    [InlineData("a\nb", "a b")]
    [InlineData("root:s3cretOfAnOperator@10.0.0.1", "***@10.0.0.1")]
    public void Another_value_is_printed_unless_it_looks_like_an_endpoint(string text, string shown) =>
        Assert.Equal(shown, Redaction.Value(text));

    [Fact]
    public void A_long_value_is_shortened() => Assert.Equal(80, Redaction.Value(new string('x', 500)).Length);

    [Theory]
    [InlineData("/etc/flannel/key", true)]
    [InlineData("./key", true)]
    [InlineData("../key", true)]
    [InlineData("/", true)]
    [InlineData("no-such-file", false)]
    [InlineData("no/such/file", false)]
    [InlineData("", false)]
    [InlineData("/etc/flannel/key\n", false)]
    [InlineData("/etc/flannel\rkey", false)]
    [InlineData("/etc/flannel\u2028key", false)]
    [InlineData("-----BEGIN PRIVATE KEY-----\nMIGH/g\n-----END PRIVATE KEY-----", false)]
    public void Only_a_text_that_looks_like_a_path_is_printed(string text, bool isShown)
    {
        var error = new IOException($"No space left on device : '{text}'");
        Assert.Equal(isShown ? text : "(not shown: not a path such as /etc/flannel/file)", Redaction.Path(text));
        Assert.Equal(isShown ? "No space left on device" : "the file system rejects it", FileError.Reason(text, error));
    }

    [Fact]
    public void A_path_is_printed_up_to_255_characters()
    {
        var longest = "/" + new string('x', 254);
        Assert.Equal(longest, Redaction.Path(longest));
        Assert.StartsWith("(not shown: ", Redaction.Path(longest + "x"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_relative_path_is_printed_if_the_file_exists()
    {
        var name = $"{Guid.NewGuid():N}.key";
        File.WriteAllText(name, "");
        Assert.Equal(name, Redaction.Path(name));
        File.Delete(name);
        Assert.StartsWith("(not shown: ", Redaction.Path(name), StringComparison.Ordinal);
    }

    [Fact]
    public void A_secret_in_any_place_of_an_endpoint_is_not_printed() =>
        SecretEndpoints.With(Secret).Always(text =>
        {
            Assert.DoesNotContain(Secret, Redaction.Endpoints(text), StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain(Secret, Redaction.Value(text), StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain(Secret, Endpoint.Parse(text).Error ?? "", StringComparison.OrdinalIgnoreCase);
        });

    [Fact]
    public void No_text_throws() => Gen.String.Always(text =>
    {
        Assert.DoesNotContain('\n', Redaction.Value(text));
        Assert.DoesNotContain('\n', Redaction.Path(text));
        var parsed = Endpoint.Parse(text);
        Assert.NotEqual(parsed.Ok, parsed.Error?.Length > 0);
    });
}
