using System.Net;
using Flannel.Etcd.Client;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Client;

/// <summary>A key that was written through the v2 API of a real etcd.</summary>
public sealed class V2StoreTests : IDisposable
{
    private const string Key = "/coreos.com/network/config";

    private readonly string folder = Directory.CreateTempSubdirectory("flannel-v2-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_key_in_the_v2_store_is_found(bool isTls)
    {
        using var authority = new Certificates(folder, "ca");
        var (cert, key) = authority.Sign("server", address: IPAddress.Loopback);
        string[] tls = isTls ? [$"--cert-file={cert}", $"--key-file={key}"] : [];
        await using var etcd = await EtcdProcess.StartAsync(isTls ? "https" : "http", ["--enable-v2=true", .. tls]);
        // The second endpoint is the one that has it.
        var options = EtcdOptions.Create(
            $"http://127.0.0.1:1,{etcd.Endpoint}", isTls ? authority.AuthorityFile : null).Value;
        Assert.Null(await V2Store.FindAsync(options, Key, TimeProvider.System, Cancel));

        using var handler = new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, _, _, _) => true };
        using var http = new HttpClient(handler);
        using var content = new FormUrlEncodedContent([new("value", "{\"Network\":\"10.24.0.0/16\"}")]);
        using var written = await http.PutAsync(new Uri($"{etcd.Endpoint}/v2/keys{Key}"), content, Cancel);
        Assert.Equal(HttpStatusCode.Created, written.StatusCode);

        Assert.Equal(etcd.Endpoint, await V2Store.FindAsync(options, Key, TimeProvider.System, Cancel));
        // In v2 every key has a leading slash.
        Assert.Equal(etcd.Endpoint, await V2Store.FindAsync(options, Key.TrimStart('/'), TimeProvider.System, Cancel));
        // A folder has no value.
        Assert.Null(await V2Store.FindAsync(options, "/coreos.com/network", TimeProvider.System, Cancel));
    }

    [Fact]
    public async Task An_etcd_without_the_v2_API_has_no_key()
    {
        await using var etcd = await EtcdProcess.StartAsync();
        var options = EtcdOptions.Create(etcd.Endpoint).Value;
        Assert.Null(await V2Store.FindAsync(options, Key, TimeProvider.System, Cancel));
    }
}
