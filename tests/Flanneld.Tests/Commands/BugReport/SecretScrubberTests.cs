using Flanneld.Commands.BugReport;

namespace Flanneld.Tests.Commands.BugReport;

public sealed class SecretScrubberTests
{
    [Theory]
    [InlineData("ALIBABA_CLOUD_ACCESS_KEY_SECRET=hunter2", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=***")]
    [InlineData("Environment=\"ACCESS_KEY_SECRET=hunter2\" FLANNELD_V=1", "Environment=\"ACCESS_KEY_SECRET=***\" FLANNELD_V=1")]
    [InlineData("PASSWORD='hunter2 hunter2' x", "PASSWORD='***' x")]
    [InlineData("{\"AccessKeySecret\": \"hunter2\\\"hunter2\", \"a\": 1}", "{\"AccessKeySecret\": \"***\", \"a\": 1}")]
    [InlineData("\"SecurityToken\":\"hunter2\"", "\"SecurityToken\":\"***\"")]
    [InlineData("AccessKeySecret: hunter2", "AccessKeySecret: ***")]
    [InlineData("/usr/sbin/flanneld --etcd-password hunter2 -v 1", "/usr/sbin/flanneld --etcd-password *** -v 1")]
    [InlineData("/usr/sbin/flanneld -etcd-password=hunter2", "/usr/sbin/flanneld -etcd-password=***")]
    [InlineData("--etcd-username=root:hunter2 x", "--etcd-username=root:*** x")]
    [InlineData("HTTPS_PROXY=http://user:hunter2@10.0.0.1:3128", "HTTPS_PROXY=***@10.0.0.1:3128")]
    [InlineData("https_proxy=user:hunter2@proxy:3128 y", "https_proxy=***@proxy:3128 y")]
    [InlineData("at http://u:hunter2/hunter@2@etcd:2379/x", "at http://***@etcd:2379/x")]
    [InlineData("a\n-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----\nb", "a\n-----BEGIN PRIVATE KEY-----***\nb")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nhunter2", "-----BEGIN PRIVATE KEY-----***")]
    [InlineData("key LTAI5tFlannelTestKey0001 used", "key LTAI*** used")]
    [InlineData("Authorization: Bearer hunter2, x", "Authorization: ***, x")]
    [InlineData("\"authorization\":\"Basic hunter2\"", "\"authorization\":\"***\"")]
    [InlineData("https://vpc/?Signature=hunter2&x=1", "https://vpc/?Signature=***")]
    public void What_looks_like_a_secret_is_replaced(string text, string expected)
    {
        Assert.Equal(expected, new SecretScrubber([]).Scrub(text));
        Assert.DoesNotContain("hunter2", expected);
    }

    [Fact]
    public void A_secret_with_a_control_character_is_found_in_the_text_of_the_report() =>
        Assert.Equal("password ***", new SecretScrubber(["hun\u0001ter2"]).Scrub(ReportText.Of("password hun\u0001ter2")));

    [Theory]
    [InlineData("use --etcd-password-file, see --etcd-username and --etcd-password-file")]
    [InlineData("--etcd-password-file=/etc/flannel/password")]
    [InlineData("LoadCredential=etcd-password:/etc/flannel/password")]
    [InlineData("environment variable ALIBABA_CLOUD_ACCESS_KEY_ID: not set")]
    [InlineData("\"hasAccessKey\": false")]
    [InlineData("credentials       RAM role FlannelRole, temporary key")]
    [InlineData("http://192.168.1.11:2379: etcd 3.5.9, and mail@example.org")]
    public void Other_text_stays(string text) => Assert.Equal(text, new SecretScrubber([]).Scrub(text));

    [Fact]
    public void A_known_secret_is_replaced_wherever_it_stands()
    {
        var scrubber = new SecretScrubber(["hunter/2", "hunter/2-longer", "ab"]);
        Assert.Equal("x ***y *** ab ***", scrubber.Scrub("x hunter/2y hunter/2-longer ab hunter%2F2"));
    }

    /// <summary>A line of the journal may have 48 KiB without a blank.</summary>
    [Fact]
    public void A_long_word_is_read_in_linear_time()
    {
        var text = new string('a', 1 << 20) + "=" + new string('@', 1 << 10);
        Assert.Equal(text, new SecretScrubber([]).Scrub(text));
    }
}
