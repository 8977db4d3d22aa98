using System.Diagnostics;
using Flannel.Core;
using Flannel.Etcd.Connection;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Connection;

/// <summary>What an operator may name by mistake in the place of a password, a certificate or a key.</summary>
public sealed class OperatorFilesTests : IDisposable
{
    private const string NotRegular = "is a pipe or a device; use a regular file, which can be read more than once";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("flannel-files-");

    private string Pipe => Path.Combine(folder.FullName, "pipe");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    /// <summary>Nobody writes into the pipe, and the device has no end.</summary>
    [Theory]
    [InlineData("pipe")]
    [InlineData("/dev/zero")]
    public async Task A_pipe_or_a_device_as_password_file_is_refused_at_once(string name)
    {
        var path = await PathAsync(name);
        var problem = await WithinAsync(() =>
        {
            Assert.Null(PasswordFile.Open(path, new RecordingLogger(), out var line));
            return line;
        });
        Assert.Equal($"--etcd-password-file {path} {NotRegular}", problem);
    }

    [Theory]
    [InlineData("pipe")]
    [InlineData("/dev/zero")]
    public async Task A_pipe_or_a_device_as_certificate_or_key_is_refused_at_once(string name)
    {
        var path = await PathAsync(name);
        var file = Write("file", "text");
        Assert.Equal($"etcd-cafile {path} {NotRegular}", await TlsProblemAsync(path, null, null));
        Assert.Equal($"etcd-certfile {path} {NotRegular}", await TlsProblemAsync(null, path, file));
        Assert.Equal($"etcd-keyfile {path} {NotRegular}", await TlsProblemAsync(null, file, path));
    }

    [Fact]
    public async Task A_file_larger_than_a_mebibyte_is_refused()
    {
        var path = Write("large", new string('x', (1 << 20) + 1));
        Assert.Equal($"etcd-cafile {path} is larger than 1048576 bytes", await TlsProblemAsync(path, null, null));
        Assert.Null(PasswordFile.Open(path, new RecordingLogger(), out var problem));
        Assert.Equal($"--etcd-password-file {path} is larger than 1048576 bytes", problem);
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
        var file = PasswordFile.Open(link, new RecordingLogger(), out var problem);
        Assert.Equal("", problem);
        Assert.Equal("one", file!.Current().RevealText());
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
        EtcdConnection.FileProblem(EtcdOptions.Create("https://127.0.0.1:1", authorities, certificate, key, null, null, out _)!));

    private static Task<T> WithinAsync<T>(Func<T> read) => Task.Run(read, Cancel).WaitAsync(TimeSpan.FromSeconds(10), Cancel);
}
