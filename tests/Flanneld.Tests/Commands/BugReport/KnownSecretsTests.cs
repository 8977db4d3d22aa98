using System.Text;
using Flannel.Core;
using Flannel.Testbed;
using Flanneld.Commands.BugReport;
using Flanneld.Options;

namespace Flanneld.Tests.Commands.BugReport;

public sealed class KnownSecretsTests : IDisposable
{
    private readonly RunFolder folder = new("known-secrets");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Secrets_are_found_in_every_place_that_the_daemon_reads_them_from()
    {
        var options = new DaemonOptions
        {
            EtcdPassword = new Secret("of the flag"),
            EtcdPasswordFile = Write("password", "of the file\n"),
            AccessKeyFile = Write("key", "AccessKeyId=LTAI5tFlannelTestKey0001\nAccessKeySecret=kP7of0the0key0file\n"),
        };
        Write("credentials/access-key", "{\"AccessKeySecret\":\"kP7of0the0credential\"}");
        var environment = new Dictionary<string, string>
        {
            ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = "of the variable",
            ["https_proxy"] = "http://user:of-the-proxy@10.0.0.1:3128",
            ["FLANNELD_ETCD_PASSWORD_FILE"] = "/etc/flannel/password",
            ["PATH"] = "/usr/bin",
            ["CREDENTIALS_DIRECTORY"] = Path.Combine(folder.Path, "credentials"),
        };
        var config = Encoding.UTF8.GetBytes("""{"Network":"10.24.0.0/16","Backend":{"accesskeysecret":"of the configuration"}}""");

        var found = KnownSecrets.Find(options, environment, config);

        string[] expected =
        [
            "of the flag", "of the file", "kP7of0the0key0file", "kP7of0the0credential", "of the variable", "of-the-proxy",
            "of the configuration",
        ];
        Assert.All(expected, secret => Assert.Contains(secret, found));
        Assert.DoesNotContain("/usr/bin", found);
        Assert.DoesNotContain("/etc/flannel/password", found);
        Assert.DoesNotContain("AccessKeySecret", found);
    }

    [Fact]
    public void Secrets_in_lists_of_the_configuration_are_found() => Assert.Equal(
        ["of a list"],
        KnownSecrets.Find(
            new DaemonOptions(), new Dictionary<string, string>(),
            """{"Backends":[{"AccessKeySecret":"of a list"}]}"""u8.ToArray()));

    [Fact]
    public void A_host_without_secrets_has_none()
    {
        var options = new DaemonOptions { EtcdPasswordFile = "/nonexistent" };
        Assert.Empty(KnownSecrets.Find(options, new Dictionary<string, string>(), "not JSON"u8.ToArray()));
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(folder.Path, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }
}
