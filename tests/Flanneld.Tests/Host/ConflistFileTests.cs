using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flanneld.Host;
using Flanneld.Tests.Support;
using Microsoft.Extensions.Logging;

namespace Flanneld.Tests.Host;

public sealed class ConflistFileTests : IDisposable
{
    private const string Own = """{"name":"cbr0","cniVersion":"0.3.1","plugins":[{"type":"flannel"}]}""";

    private static readonly byte[] Generated = CniConflist.Create(
        new SubnetEnv(Ipv4Network.Parse("10.24.0.0/16"), Ipv4Network.Parse("10.24.5.0/24"), 1500, false), "/run/flannel/subnet.env");

    private readonly string directory = Directory.CreateTempSubdirectory("flannel-").FullName;
    private readonly RecordingLogger log = new();

    private string Folder => Path.Combine(directory, "net.d");

    private string Target => Path.Combine(Folder, "10-flannel.conflist");

    private string Source => Path.Combine(directory, "cni-conf.json");

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Fact]
    public void It_is_written_once_for_all_users_and_alone_in_its_folder()
    {
        var file = new ConflistFile(Folder, null, log);
        Assert.Null(file.Install(Generated).Error);
        Assert.Equal(Generated, File.ReadAllBytes(Target));
        Assert.Equal(AtomicFile.Mode, File.GetUnixFileMode(Target));
        Assert.Equal([Target], Directory.GetFileSystemEntries(Folder));
        var written = File.GetLastWriteTimeUtc(Target).AddHours(-1);
        File.SetLastWriteTimeUtc(Target, written);

        Assert.Null(file.Install(Generated).Error);
        Assert.Equal(written, File.GetLastWriteTimeUtc(Target));
        Assert.Equal([1136], log.Lines.Select(line => line.EventId));
    }

    [Fact]
    public void A_conflist_that_another_program_deleted_or_changed_is_written_again()
    {
        var file = new ConflistFile(Folder, null, log);
        Assert.Null(file.Install(Generated).Error);
        File.Delete(Target);
        Assert.Null(file.Install(Generated).Error);
        Assert.Equal(Generated, File.ReadAllBytes(Target));
        File.WriteAllText(Target, Own);
        Assert.Null(file.Install(Generated).Error);
        Assert.Equal(Generated, File.ReadAllBytes(Target));
    }

    [Fact]
    public void The_conflist_of_the_operator_is_copied_and_followed()
    {
        File.WriteAllText(Source, Own);
        var file = new ConflistFile(Folder, Source, log);
        Assert.Null(file.Install(Generated).Error);
        Assert.Equal(Own, File.ReadAllText(Target));
        var changed = Own.Replace("cbr0", "cbr1", StringComparison.Ordinal);
        File.WriteAllText(Source, changed);
        Assert.Null(file.Install(Generated).Error);
        Assert.Equal(changed, File.ReadAllText(Target));
    }

    [Theory]
    [InlineData(null, "does not exist")]
    [InlineData("{", "is not JSON")]
    [InlineData("{}", "is not a conflist of CNI")]
    public void A_conflist_of_the_operator_that_cannot_be_used_is_an_error_and_the_installed_one_stays(string? content, string reason)
    {
        File.WriteAllText(Source, Own);
        var file = new ConflistFile(Folder, Source, log);
        Assert.Null(file.Install(Generated).Error);
        if (content is null) File.Delete(Source);
        else File.WriteAllText(Source, content);

        for (var i = 0; i < 2; i++)
            Assert.StartsWith($"--install-cni-conf: {Source} {reason}", file.Install(Generated).Error, StringComparison.Ordinal);
        Assert.Equal(Own, File.ReadAllText(Target));
        // The error is logged once.
        Assert.Equal([(1136, LogLevel.Information), (1138, LogLevel.Error)], log.Lines.Select(line => (line.EventId, line.Level)));

        File.WriteAllText(Source, Own);
        Assert.Null(file.Install(Generated).Error);
    }

    [Fact]
    public void A_secret_in_place_of_a_path_is_not_shown()
    {
        const string key = "-----BEGIN PRIVATE KEY-----\nMIGH/0123456789\n-----END";
        var error = new ConflistFile(Folder, key, log).Install(Generated).Error;
        Assert.DoesNotContain("MIGH", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_an_error()
    {
        File.WriteAllText(Folder, "a file in place of the folder");
        var file = new ConflistFile(Folder, null, log);
        Assert.Contains(Target, file.Install(Generated).Error, StringComparison.Ordinal);
        Assert.Equal([1138], log.Lines.Select(line => line.EventId));
    }

    [Fact]
    public void Removal_is_logged_once_and_succeeds_without_a_file()
    {
        var file = new ConflistFile(Folder, null, log);
        Assert.Null(file.Remove().Error);
        Assert.Null(file.Install(Generated).Error);
        Assert.Null(file.Remove().Error);
        Assert.Null(file.Remove().Error);
        Assert.False(File.Exists(Target));
        Assert.Equal([1136, 1137], log.Lines.Select(line => line.EventId));
    }

    [Theory]
    [InlineData("05-cilium.conflist", true)]
    [InlineData("10-calico.conf", true)]
    [InlineData("00-loopback.json", true)]
    [InlineData("05-cilium.conflist.cilium_bak", false)]
    [InlineData("87-podman-bridge.conflist", false)]
    public void A_configuration_that_runtimes_read_first_is_reported_once(string name, bool isFirst)
    {
        Directory.CreateDirectory(Folder);
        var other = Path.Combine(Folder, name);
        File.WriteAllText(other, "{}");
        var file = new ConflistFile(Folder, null, log);
        for (var i = 0; i < 2; i++) Assert.Null(file.Install(Generated).Error);
        Assert.Equal(isFirst ? [1136, 1139] : [1136], log.Lines.Select(line => line.EventId));
        if (isFirst) Assert.Contains(other, log.Lines[1].Text, StringComparison.Ordinal);
    }
}
