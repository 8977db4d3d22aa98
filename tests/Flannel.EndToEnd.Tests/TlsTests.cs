using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>The native executable, whose OpenSSL is linked in, against an etcd that wants mutual TLS: each mistake is one line and exit
/// code 1.</summary>
public sealed class TlsTests : IAsyncDisposable
{
    private readonly RunFolder folder = new("tls");
    private readonly TlsFiles files;
    private EtcdServer? etcd;

    public TlsTests() => files = new TlsFiles(folder.Path, "127.0.0.1");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_mistake_is_told_in_one_line()
    {
        Needs.NativeExecutable();
        etcd = await EtcdServer.StartAsync(Path.Combine(folder.Path, "etcd"), Cancel, files);
        var elsewhere = Directory.CreateDirectory(Path.Combine(folder.Path, "others")).FullName;
        using var others = new TestAuthority(elsewhere);
        var foreign = others.Issue("stranger");
        var spare = Path.Combine(folder.Path, "spare.pem");
        File.Copy(foreign.Key, spare);

        await FailsAsync("is signed by 'CN=test bed', which is not among the system's authorities", Pair(files.Client));
        await FailsAsync($"which is not among etcd-cafile {others.CertificateFile}", [$"--etcd-cafile={others.CertificateFile}", .. Pair(files.Client)]);
        await FailsAsync("is for another name: 127.0.0.1", [Trusted, .. Pair(files.Client)], etcd.Endpoint.AbsoluteUri.Replace("127.0.0.1", "localhost", StringComparison.Ordinal));
        await FailsAsync("it requires a client certificate (etcd-certfile, etcd-keyfile)", [Trusted]);
        await FailsAsync($"etcd refused the client certificate {foreign.Certificate}", [Trusted, .. Pair(foreign)]);
        await FailsAsync($"etcd-keyfile {spare} does not belong to the certificate in {files.Client.Certificate}", [Trusted, .. Pair(files.Client with { Key = spare })]);
        await FailsAsync($"etcd-cafile {folder.Path} is a directory", [$"--etcd-cafile={folder.Path}", .. Pair(files.Client)]);
        await FailsAsync($"etcd-keyfile {folder.Path}/none.pem does not exist", [Trusted, .. Pair(files.Client with { Key = folder.Path + "/none.pem" })]);
    }

    public async ValueTask DisposeAsync()
    {
        if (etcd is not null) await etcd.DisposeAsync();
        files.Dispose();
        folder.Dispose();
    }

    private string Trusted => $"--etcd-cafile={files.Authority}";

    private static string[] Pair(CertificateFiles client) => [$"--etcd-certfile={client.Certificate}", $"--etcd-keyfile={client.Key}"];

    private async Task FailsAsync(string why, string[] arguments, string? endpoint = null)
    {
        var result = await ProcessCommand.TryRunAsync(
            new ProgramStart(
                Locations.Flanneld,
                [.. arguments, $"--etcd-endpoints={(endpoint ?? etcd!.Endpoint.AbsoluteUri).TrimEnd('/')}", "--iface=lo", "--public-ip=127.0.0.1", $"--subnet-file={folder.Path}/subnet.env"])
            { Environment = new Dictionary<string, string>() },
            Cancel);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(why, Assert.Single(result.Error.Split('\n'), line => line.Contains("etcd: ", StringComparison.Ordinal)), StringComparison.Ordinal);
    }
}
