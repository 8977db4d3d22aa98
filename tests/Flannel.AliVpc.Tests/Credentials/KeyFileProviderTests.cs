using Flannel.AliVpc.Credentials;
using Flannel.AliVpc.Tests.Support;

namespace Flannel.AliVpc.Tests.Credentials;

public sealed class KeyFileProviderTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("flannel-key-").FullName;
    private readonly RecordingLogger logger = new();

    private string Path => System.IO.Path.Combine(folder, "key");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_file_is_read_and_read_again_when_it_changes()
    {
        Write("one", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var provider = new KeyFileProvider(Path, logger);
        Assert.Equal("one", await IdAsync(provider));
        Assert.False(provider.HasChanged());
        Write("another", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.True(provider.HasChanged());
        Assert.Equal("another", await IdAsync(provider));
        Assert.False(provider.HasChanged());
        Assert.Empty(logger.Lines);
    }

    [Fact]
    public async Task A_mounted_secret_is_replaced_by_moving_a_link()
    {
        foreach (var version in (string[])["v1", "version2"])
        {
            Directory.CreateDirectory(System.IO.Path.Combine(folder, version));
            File.WriteAllText(System.IO.Path.Combine(folder, version, "key"), $"AccessKeyId={version}\nAccessKeySecret=s");
        }

        var data = System.IO.Path.Combine(folder, "..data");
        Directory.CreateSymbolicLink(data, "v1");
        File.CreateSymbolicLink(Path, "..data/key");
        var provider = new KeyFileProvider(Path, logger);
        Assert.Equal("v1", await IdAsync(provider));
        Directory.Delete(data);
        Directory.CreateSymbolicLink(data, "version2");
        Assert.True(provider.HasChanged());
        Assert.Equal("version2", await IdAsync(provider));
    }

    [Fact]
    public async Task A_file_that_all_can_read_is_warned_against_once()
    {
        Write("one", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        var provider = new KeyFileProvider(Path, logger);
        await IdAsync(provider);
        await IdAsync(provider);
        Assert.Equal(1, logger.Count(3203));
    }

    [Fact]
    public async Task A_file_that_is_not_there_or_not_a_key_fails_in_one_line()
    {
        var provider = new KeyFileProvider(Path, logger);
        Assert.Contains("does not exist", await LineAsync(provider), StringComparison.Ordinal);
        Assert.False(provider.HasChanged());
        await File.WriteAllTextAsync(Path, "AccessKeyId=LTAI\nhIdDeN", TestContext.Current.CancellationToken);
        var line = await LineAsync(provider);
        Assert.Contains("line 2", line, StringComparison.Ordinal);
        Assert.DoesNotContain("hIdDeN", line, StringComparison.Ordinal);
        await File.WriteAllTextAsync(Path, new string('#', 70_000), TestContext.Current.CancellationToken);
        Assert.Contains("larger", await LineAsync(provider), StringComparison.Ordinal);
        Assert.NotEmpty(await LineAsync(new KeyFileProvider(folder, logger)));
    }

    private static async Task<string> IdAsync(KeyFileProvider provider) =>
        Assert.IsType<ProviderAnswer.Found>(await provider.FetchAsync(TestContext.Current.CancellationToken)).Key.Id;

    private static async Task<string> LineAsync(KeyFileProvider provider) =>
        Assert.IsType<ProviderAnswer.Failed>(await provider.FetchAsync(TestContext.Current.CancellationToken)).Line;

    private void Write(string id, UnixFileMode mode)
    {
        File.WriteAllText(Path, $"AccessKeyId={id}\nAccessKeySecret=s");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(Path, mode);
    }
}
