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
    public async Task A_file_that_every_user_can_read_causes_one_warning()
    {
        Write("one", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        var provider = new KeyFileProvider(Path, logger);
        await IdAsync(provider);
        await IdAsync(provider);
        Assert.Equal(1, logger.Count(3203));
    }

    [Fact]
    public async Task A_missing_or_invalid_file_fails_with_one_line()
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
    public async Task A_key_in_place_of_a_path_is_not_quoted()
    {
        foreach (var key in new[] { "hIdDeN", "AccessKeyId=LTAI\nAccessKeySecret=hIdDeN", $"/hIdDeN{new string('x', 256)}" })
        {
            var provider = new KeyFileProvider(key, logger);
            Assert.StartsWith("access key file (not shown: ", await LineAsync(provider), StringComparison.Ordinal);
            Assert.DoesNotContain("hIdDeN", provider.Name + await LineAsync(provider), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_pipe_is_rejected()
    {
        using var pipe = new System.IO.Pipes.AnonymousPipeServerStream(System.IO.Pipes.PipeDirection.Out);
        await pipe.WriteAsync("AccessKeyId=one\nAccessKeySecret=s\n"u8.ToArray(), TestContext.Current.CancellationToken);
        var provider = new KeyFileProvider($"/dev/fd/{pipe.GetClientHandleAsString()}", logger);
        Assert.EndsWith(NotRegular, await LineAsync(provider), StringComparison.Ordinal);
        Assert.False(provider.HasChanged());
    }

    /// <summary>The pipe has no writer, and the device is endless.</summary>
    [Theory]
    [InlineData("pipe")]
    [InlineData("/dev/zero")]
    public async Task A_pipe_without_a_writer_and_a_device_are_rejected_at_once(string name)
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
    public async Task A_systemd_credential_is_read_and_a_missing_one_is_not_configured()
    {
        var none = KeyFileProvider.FromSystemd(_ => null, logger);
        Assert.Equal("CREDENTIALS_DIRECTORY is not set", await WhyAsync(none));
        Assert.False(none.HasChanged());

        var provider = KeyFileProvider.FromSystemd(name => name == "CREDENTIALS_DIRECTORY" ? folder : null, logger);
        Assert.Equal("systemd passes no credential access-key to this service", await WhyAsync(provider));
        var path = System.IO.Path.Combine(folder, "access-key");
        File.WriteAllText(path, "AccessKeyId=of-unit\nAccessKeySecret=s");
        File.SetUnixFileMode(path, UnixFileMode.UserRead);
        Assert.Equal("of-unit", await IdAsync(provider));
        File.Delete(path);
        File.WriteAllText(path, "invalid");
        Assert.Contains("systemd credential access-key: line 1", await LineAsync(provider), StringComparison.Ordinal);
    }

    private static async Task<string> WhyAsync(KeyFileProvider provider) =>
        Assert.IsType<ProviderResult.NotConfigured>(await provider.FetchAsync(TestContext.Current.CancellationToken)).Reason;

    private static async Task<string> IdAsync(KeyFileProvider provider) =>
        Assert.IsType<ProviderResult.Found>(await provider.FetchAsync(TestContext.Current.CancellationToken)).Key.Id;

    private static async Task<string> LineAsync(KeyFileProvider provider) =>
        Assert.IsType<ProviderResult.Failed>(await provider.FetchAsync(TestContext.Current.CancellationToken)).Reason;

    private void Write(string id, UnixFileMode mode)
    {
        File.WriteAllText(Path, $"AccessKeyId={id}\nAccessKeySecret=s");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(Path, mode);
    }
}
