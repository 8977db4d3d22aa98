using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>TLS errors between the native executable, with its linked OpenSSL, and an etcd with mutual TLS.</summary>
public sealed class TlsTests : IAsyncDisposable
{
    private readonly RunFolder folder = new("tls");
    private readonly TlsFiles files;
    private EtcdServer? etcd;

    public TlsTests() => files = new TlsFiles(folder.Path, "127.0.0.1");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_TLS_error_is_reported_in_one_line()
    {
        Require.NativeExecutable();
        etcd = await EtcdServer.StartAsync(Path.Combine(folder.Path, "etcd"), Cancel, files);
        using var otherCa = new TestCertificateAuthority(Directory.CreateDirectory(Path.Combine(folder.Path, "others")).FullName);
        var otherFiles = otherCa.Issue("other");
        var otherKey = Path.Combine(folder.Path, "other-key.pem");
        File.Copy(otherFiles.Key, otherKey);

        await FailsAsync("is signed by 'CN=test bed', which is not among the system's authorities", CertificateFlags(files.Client));
        await FailsAsync($"which is not among etcd-cafile {otherCa.CertificateFile}",
            [$"--etcd-cafile={otherCa.CertificateFile}", .. CertificateFlags(files.Client)]);
        await FailsAsync("is for another name: 127.0.0.1", [AuthorityFlag, .. CertificateFlags(files.Client)],
            etcd.Endpoint.AbsoluteUri.Replace("127.0.0.1", "localhost", StringComparison.Ordinal));
        await FailsAsync("it requires a client certificate (etcd-certfile, etcd-keyfile)", [AuthorityFlag]);
        await FailsAsync(
            $"etcd rejected the client certificate {otherFiles.Certificate}", [AuthorityFlag, .. CertificateFlags(otherFiles)]);
        await FailsAsync(
            $"etcd-keyfile {otherKey} does not belong to the certificate in {files.Client.Certificate}",
            [AuthorityFlag, .. CertificateFlags(files.Client with { Key = otherKey })]);
        await FailsAsync($"etcd-cafile {folder.Path} is a directory", [$"--etcd-cafile={folder.Path}", .. CertificateFlags(files.Client)]);
        await FailsAsync($"etcd-keyfile {folder.Path}/none.pem does not exist",
            [AuthorityFlag, .. CertificateFlags(files.Client with { Key = folder.Path + "/none.pem" })]);
    }

    public async ValueTask DisposeAsync()
    {
        if (etcd is not null) await etcd.DisposeAsync();
        files.Dispose();
        folder.Dispose();
    }

    private string AuthorityFlag => $"--etcd-cafile={files.Authority}";

    private static string[] CertificateFlags(CertificateFiles client) =>
        [$"--etcd-certfile={client.Certificate}", $"--etcd-keyfile={client.Key}"];

    private async Task FailsAsync(string message, string[] arguments, string? endpoint = null)
    {
        string[] all =
        [
            .. arguments, $"--etcd-endpoints={(endpoint ?? etcd!.Endpoint.AbsoluteUri).TrimEnd('/')}",
            "--iface=lo", "--public-ip=127.0.0.1",
            $"--subnet-file={folder.Path}/subnet.env",
        ];
        var start = new ProgramStart(Locations.Flanneld, all) { Environment = new Dictionary<string, string>() };
        var result = await ProcessCommand.TryRunAsync(start, Cancel);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(message,
            Assert.Single(result.Error.Split('\n'), line => line.Contains("etcd: ", StringComparison.Ordinal)), StringComparison.Ordinal);
    }
}
