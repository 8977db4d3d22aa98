using System.Diagnostics;
using Flannel.AliCloud.Tests.Support;
using Flannel.Etcd.Client;

namespace Flannel.Etcd.Tests.Client;

/// <summary>Files that are no password, certificate or key, and texts that are no path.</summary>
public sealed class OperatorFilesTests : IDisposable
{
    private const string NotRegular = "is a pipe or a device; use a regular file, which can be read more than once";

    private const string Secret = "s3cretOfAnOperator";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("flannel-files-");

    public static TheoryData<string> SecretsThatAreNoPath { get; } =
    [
        Secret,
        $"{Secret}/and/slashes",
        $"-----BEGIN PRIVATE KEY-----\nMIGHAg/EAMBMGByqG/{Secret}\n-----END PRIVATE KEY-----",
        $"/{Secret}\nsecond line",
        // Too long for a file system: the exception of .NET quotes it.
        $"/{Secret}{new string('x', 256)}",
        $"/{Secret}{new string('x', 5000)}",
    ];

    private string Pipe => Path.Combine(folder.FullName, "pipe");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    /// <summary>The pipe has no writer, and the device has no end.</summary>
    [Theory]
    [InlineData("pipe")]
    [InlineData("/dev/zero")]
    public async Task A_pipe_or_a_device_as_password_file_is_rejected_at_once(string name)
    {
        var path = await PathAsync(name);
        var problem = await WithinAsync(() => PasswordFile.Open(path, new RecordingLogger()).Error);
        Assert.Equal($"--etcd-password-file {path} {NotRegular}", problem);
    }

    [Theory]
    [InlineData("pipe")]
    [InlineData("/dev/zero")]
    public async Task A_pipe_or_a_device_as_certificate_or_key_is_rejected_at_once(string name)
    {
        var path = await PathAsync(name);
        var file = Write("file", "text");
        Assert.Equal($"etcd-cafile {path} {NotRegular}", await TlsProblemAsync(path, null, null));
        Assert.Equal($"etcd-certfile {path} {NotRegular}", await TlsProblemAsync(null, path, file));
        Assert.Equal($"etcd-keyfile {path} {NotRegular}", await TlsProblemAsync(null, file, path));
    }

    [Fact]
    public async Task A_file_larger_than_a_mebibyte_is_rejected()
    {
        var path = Write("large", new string('x', (1 << 20) + 1));
        Assert.Equal($"etcd-cafile {path} is larger than 1048576 bytes", await TlsProblemAsync(path, null, null));
        var problem = PasswordFile.Open(path, new RecordingLogger()).Error;
        Assert.Equal($"--etcd-password-file {path} is larger than 1048576 bytes", problem);
    }

    /// <summary>As from <c>FLANNELD_ETCD_KEYFILE="$(cat key.pem)"</c>.</summary>
    [Theory]
    [MemberData(nameof(SecretsThatAreNoPath))]
    public async Task A_secret_instead_of_a_path_is_not_printed(string value)
    {
        var file = Write("file", "text");
        var problem = PasswordFile.Open(value, new RecordingLogger()).Error;
        IsNotQuoted("--etcd-password-file", problem);
        IsNotQuoted("etcd-cafile", await TlsProblemAsync(value, null, null));
        IsNotQuoted("etcd-certfile", await TlsProblemAsync(null, value, file));
        IsNotQuoted("etcd-keyfile", await TlsProblemAsync(null, file, value));
    }

    [Fact]
    public async Task A_path_that_is_relative_or_does_not_exist_is_printed()
    {
        foreach (var path in new[] { "/no/such/file", "./no-such-file", "../no/such/file" })
        {
            var problem = PasswordFile.Open(path, new RecordingLogger()).Error;
            Assert.Equal($"--etcd-password-file {path} does not exist", problem);
            Assert.Equal($"etcd-cafile {path} does not exist", await TlsProblemAsync(path, null, null));
        }
    }

    private static void IsNotQuoted(string option, string? line)
    {
        Assert.StartsWith($"{option} (not shown: ", line, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, line, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', line!);
    }

    /// <summary>As Kubernetes mounts a secret: the file is a link through a link to a folder.</summary>
    [Fact]
    public void A_file_behind_links_is_read()
    {
        Directory.CreateDirectory(Path.Combine(folder.FullName, "..2026"));
        Write("..2026/password", "one\n");
        File.CreateSymbolicLink(Path.Combine(folder.FullName, "..data"), "..2026");
        var link = Path.Combine(folder.FullName, "password");
        File.CreateSymbolicLink(link, "..data/password");
        var file = PasswordFile.Open(link, new RecordingLogger()).Value;
        Assert.Equal("one", file.Current().RevealText());
    }

    private async Task<string> PathAsync(string name)
    {
        if (name != "pipe") return name;
        using var mkfifo = Process.Start("mkfifo", [Pipe]);
        await mkfifo.WaitForExitAsync(Cancel);
        return Pipe;
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(folder.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }

    private static Task<string?> TlsProblemAsync(string? authorities, string? certificate, string? key) => WithinAsync(() =>
        EtcdConnection.CheckFiles(EtcdOptions.Create("https://127.0.0.1:1", authorities, certificate, key).Value).Error);

    private static Task<T> WithinAsync<T>(Func<T> read) => Task.Run(read, Cancel).WaitAsync(TimeSpan.FromSeconds(10), Cancel);
}
