using Flannel.Core.Configuration;
using Flannel.Kubernetes.Registry;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.Kubernetes.Tests.Registry;

public sealed class NetConfFileTests : IDisposable
{
    private const string Config = """{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}""";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("flannel-config-");
    private readonly FakeTimeProvider time = new();

    private string FilePath => Path.Combine(folder.FullName, "net-conf.json");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void The_revision_grows_with_each_changed_content_and_not_otherwise()
    {
        var file = new NetConfFile(FilePath, time);
        Assert.IsType<ConfigState.Missing>(file.Read().Config);
        Assert.Equal(1, file.Read().Revision);

        File.WriteAllText(FilePath, Config);
        var present = file.Read();
        Assert.Equal(2, present.Revision);
        Assert.Equal(2, Assert.IsType<ConfigState.Present>(present.Config).ModRevision);
        File.SetLastWriteTimeUtc(FilePath, DateTime.UnixEpoch);
        Assert.Same(present, file.Read());

        File.WriteAllText(FilePath, "{");
        Assert.Equal(3, Assert.IsType<ConfigState.Invalid>(file.Read().Config).ModRevision);
        File.WriteAllText(FilePath, Config);
        Assert.Equal(4, file.Read().Revision);
    }

    [Fact]
    public void A_file_that_cannot_be_used_is_invalid_and_not_missing()
    {
        Directory.CreateDirectory(FilePath);
        Assert.Contains("is a directory", Assert.IsType<ConfigState.Invalid>(new NetConfFile(FilePath, time).Read().Config).Error,
            StringComparison.Ordinal);
    }

    /// <summary>The kubelet replaces the link <c>..data</c>; the new file may be older, and has the same length.</summary>
    [Fact]
    public async Task A_replaced_ConfigMap_is_noticed()
    {
        WriteVersion("v1", Config);
        WriteVersion("v2", Config.Replace("10.24", "10.25", StringComparison.Ordinal));
        File.SetLastWriteTimeUtc(Path.Combine(folder.FullName, "v2", "net-conf.json"), DateTime.UnixEpoch);
        Link("v1");
        File.CreateSymbolicLink(FilePath, Path.Combine("..data", "net-conf.json"));
        var file = new NetConfFile(FilePath, time);
        var changed = file.WaitForChangeAsync(file.Read().Revision, Timeout.InfiniteTimeSpan, TestContext.Current.CancellationToken);
        time.Advance(NetConfFile.PollInterval);
        Assert.False(changed.IsCompleted);

        Link("v2");
        time.Advance(NetConfFile.PollInterval);
        await changed.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal("10.25.0.0/16", Assert.IsType<ConfigState.Present>(file.Read().Config).Config.Network.ToString());
    }

    [Fact]
    public async Task A_wait_ends_after_its_time()
    {
        File.WriteAllText(FilePath, Config);
        var file = new NetConfFile(FilePath, time);
        var waiting = file.WaitForChangeAsync(file.Read().Revision, TimeSpan.FromSeconds(7), TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.False(waiting.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(2));
        await waiting.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    private void WriteVersion(string version, string text)
    {
        Directory.CreateDirectory(Path.Combine(folder.FullName, version));
        File.WriteAllText(Path.Combine(folder.FullName, version, "net-conf.json"), text);
    }

    private void Link(string version)
    {
        var link = Path.Combine(folder.FullName, "..data");
        if (new FileInfo(link).LinkTarget is not null) File.Delete(link);
        File.CreateSymbolicLink(link, version);
    }
}
