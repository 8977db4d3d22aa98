using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Tests.Support;

namespace Flannel.AliCloud.Tests.Credentials;

public sealed class KeyFileProviderTests : IDisposable
{
    private const string NotRegular = " is a pipe or a device; use a regular file, which can be read more than once";

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
        await File.WriteAllTextAsync(Path, new string('#', (1 << 20) + 1), TestContext.Current.CancellationToken);
        Assert.Contains("larger", await LineAsync(provider), StringComparison.Ordinal);
        Assert.EndsWith(" is a directory", await LineAsync(new KeyFileProvider(folder, logger)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_in_the_place_of_a_path_is_not_quoted()
    {
        foreach (var key in new[] { "hIdDeN", "AccessKeyId=LTAI\nAccessKeySecret=hIdDeN", $"/hIdDeN{new string('x', 256)}" })
        {
            var provider = new KeyFileProvider(key, logger);
            Assert.StartsWith("access key file (not shown: ", await LineAsync(provider), StringComparison.Ordinal);
            Assert.DoesNotContain("hIdDeN", provider.Name + await LineAsync(provider), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_pipe_is_refused_since_it_could_be_read_only_once()
    {
        using var pipe = new System.IO.Pipes.AnonymousPipeServerStream(System.IO.Pipes.PipeDirection.Out);
        await pipe.WriteAsync("AccessKeyId=one\nAccessKeySecret=s\n"u8.ToArray(), TestContext.Current.CancellationToken);
        var provider = new KeyFileProvider($"/dev/fd/{pipe.GetClientHandleAsString()}", logger);
        Assert.EndsWith(NotRegular, await LineAsync(provider), StringComparison.Ordinal);
        Assert.False(provider.HasChanged());
    }

    /// <summary>Nobody writes into the pipe, and the device has no end.</summary>
    [Theory]
    [InlineData("pipe")]
    [InlineData("/dev/zero")]
    public async Task A_pipe_without_a_writer_or_a_device_is_refused_at_once(string name)
    {
        var path = name;
        if (name == "pipe")
        {
            path = Path;
            using var mkfifo = System.Diagnostics.Process.Start("mkfifo", [path]);
            await mkfifo.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        var provider = new KeyFileProvider(path, logger);
        var reading = Task.Run(() => LineAsync(provider), TestContext.Current.CancellationToken);
        var line = await reading.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal($"access key file {path}{NotRegular}", line);
        Assert.False(provider.HasChanged());
    }

    [Fact]
    public async Task A_credential_of_the_unit_is_read_and_a_unit_without_one_lets_the_next_link_be_asked()
    {
        var none = KeyFileProvider.OfSystemd(_ => null, logger);
        Assert.Equal("CREDENTIALS_DIRECTORY is not set", await WhyAsync(none));
        Assert.False(none.HasChanged());

        var provider = KeyFileProvider.OfSystemd(name => name == "CREDENTIALS_DIRECTORY" ? folder : null, logger);
        Assert.Equal("systemd gave this service no credential access-key", await WhyAsync(provider));
        var path = System.IO.Path.Combine(folder, "access-key");
        File.WriteAllText(path, "AccessKeyId=of-unit\nAccessKeySecret=s");
        File.SetUnixFileMode(path, UnixFileMode.UserRead);
        Assert.Equal("of-unit", await IdAsync(provider));
        File.Delete(path);
        File.WriteAllText(path, "garbage");
        Assert.Contains("systemd credential access-key: line 1", await LineAsync(provider), StringComparison.Ordinal);
    }

    private static async Task<string> WhyAsync(KeyFileProvider provider) =>
        Assert.IsType<ProviderResult.NotConfigured>(await provider.FetchAsync(TestContext.Current.CancellationToken)).Why;

    private static async Task<string> IdAsync(KeyFileProvider provider) =>
        Assert.IsType<ProviderResult.Found>(await provider.FetchAsync(TestContext.Current.CancellationToken)).Key.Id;

    private static async Task<string> LineAsync(KeyFileProvider provider) =>
        Assert.IsType<ProviderResult.Failed>(await provider.FetchAsync(TestContext.Current.CancellationToken)).Line;

    private void Write(string id, UnixFileMode mode)
    {
        File.WriteAllText(Path, $"AccessKeyId={id}\nAccessKeySecret=s");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(Path, mode);
    }
}
