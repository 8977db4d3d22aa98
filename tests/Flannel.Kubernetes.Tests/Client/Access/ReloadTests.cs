using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Access;
using Flannel.Kubernetes.Tests.Client.Support;
using Flannel.Testbed;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Flannel.Kubernetes.Tests.Client.Access;

/// <summary>Everything that can change is read again without a restart.</summary>
public class ReloadTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_replaced_token_is_used_for_the_next_request_and_a_missing_one_leaves_the_former()
    {
        await using var server = await StubApiServer.StartAsync(200, Json.Node("n1"));
        var file = Path.Combine(server.Folder, "token");
        await File.WriteAllTextAsync(file, "first\n", Token);
        var parts = new ClientParts();
        // Relative to the folder of the kubeconfig.
        using var api = Clients.Of(new KubeAccessOptions { KubeconfigFile = server.WriteKubeconfig("tokenFile: token") }, parts);
        await api.GetNodeAsync("n1", Token);
        await File.WriteAllTextAsync(file, "second", Token);
        await api.GetNodeAsync("n1", Token);
        File.Delete(file);
        await api.GetNodeAsync("n1", Token);
        await api.GetNodeAsync("n1", Token);
        Assert.Equal(["Bearer first", "Bearer second", "Bearer second", "Bearer second"], server.Requests.Select(r => r.Authorization));
        Assert.Equal([$"6000 token file {file} does not exist; the former content stays in use"], parts.Logged);
    }

    [Fact]
    public async Task A_token_that_is_replaced_while_the_API_server_rejects_it_is_sent_at_once()
    {
        var file = "";
        await using var server = await StubApiServer.StartAsync(context =>
        {
            if (context.Request.Headers.Authorization == "Bearer good") return StubApiServer.WriteAsync(context, 200, Json.Node("n1"));
            File.WriteAllText(file, "good");
            return StubApiServer.WriteAsync(context, 401, Json.Status(401, "Unauthorized", "Unauthorized"));
        });
        file = Path.Combine(server.Folder, "token");
        await File.WriteAllTextAsync(file, "expired", Token);
        using var api = Clients.Of(new KubeAccessOptions { KubeconfigFile = server.WriteKubeconfig("tokenFile: token") });
        Assert.Equal("n1", (await api.GetNodeAsync("n1", Token)).Name);
        Assert.Equal(2, server.Requests.Count);
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("two words", "holds no token: it has spaces or characters that no token has")]
    public async Task A_token_that_cannot_be_one_is_an_error_at_the_start(string content, string problem)
    {
        using var folder = new RunFolder("token");
        var file = Path.Combine(folder.Path, "token");
        await File.WriteAllTextAsync(file, content, Token);
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "kubeconfig"), $$$"""
            {"current-context":"c","contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],
            "clusters":[{"name":"c","cluster":{"server":"https://127.0.0.1:1"}}],"users":[{"name":"u","user":{"tokenFile":"{{{file}}}"}}]}
            """, Token);
        var api = Kubernetes.Client.Http.KubeApi.Create(
            new KubeAccessOptions { KubeconfigFile = Path.Combine(folder.Path, "kubeconfig") }, new ClientParts().Context);
        Assert.Equal($"token file {file} {problem}", api.Error);
    }

    [Fact]
    public async Task A_replaced_CA_is_trusted_for_new_connections()
    {
        await using var server = await StubApiServer.StartAsync(200, Json.Node("n1"));
        var ca = Path.Combine(server.Folder, "trusted.pem");
        File.Copy(server.Authority.CertificateFile, ca);
        var parts = new ClientParts();
        using var api = Clients.Of(
            new KubeAccessOptions { KubeconfigFile = server.WriteKubeconfig("token: t", "certificate-authority: trusted.pem") }, parts);
        await api.GetNodeAsync("n1", Token);

        using var folder = new RunFolder("second-ca");
        using var second = new TestCertificateAuthority(folder.Path);
        server.UseCertificate(second.Issue("server2", "127.0.0.1"));
        File.Copy(second.CertificateFile, ca, overwrite: true);
        Assert.Equal("n1", (await api.GetNodeAsync("n1", Token)).Name);
        Assert.Equal([$"6001 credentials of the Kubernetes API changed; opening new connections to {server.Address}"], parts.Logged);

        // The first CA is not trusted any more.
        File.Copy(server.Authority.CertificateFile, ca, overwrite: true);
        var e = await Assert.ThrowsAsync<KubeException>(() => api.GetNodeAsync("n1", Token));
        Assert.Equal(KubeErrorKind.Tls, e.Kind);
    }

    [Theory]
    [InlineData(HttpProtocols.Http1)]
    [InlineData(HttpProtocols.Http1AndHttp2)]
    public async Task A_replaced_client_certificate_is_used_for_the_next_request(HttpProtocols protocols)
    {
        await using var server = await StubApiServer.StartAsync(
            context => StubApiServer.WriteAsync(context, 200, Json.Node("n1")), protocols);
        var (certificate, key) = (Path.Combine(server.Folder, "cert"), Path.Combine(server.Folder, "key"));
        Install(server.Authority.Issue("first"));
        using var api = Clients.Of(
            new KubeAccessOptions { KubeconfigFile = server.WriteKubeconfig("client-certificate: cert\n    client-key: key") });
        await api.GetNodeAsync("n1", Token);
        Install(server.Authority.Issue("second"));
        await api.GetNodeAsync("n1", Token);
        await api.GetNodeAsync("n1", Token);
        Assert.Equal(["first", "second", "second"], server.Requests.Select(r => r.ClientName));

        void Install(CertificateFiles files)
        {
            File.Copy(files.Certificate, certificate, overwrite: true);
            File.Copy(files.Key, key, overwrite: true);
        }
    }

    [Fact]
    public async Task A_replaced_kubeconfig_leads_to_another_server_and_a_broken_one_changes_nothing()
    {
        await using var first = await StubApiServer.StartAsync(200, Json.Node("n1"));
        await using var second = await StubApiServer.StartAsync(200, Json.Node("n2"));
        var parts = new ClientParts();
        var path = first.WriteKubeconfig("token: one");
        using var api = Clients.Of(new KubeAccessOptions { KubeconfigFile = path }, parts);
        Assert.Equal("n1", (await api.GetNodeAsync("x", Token)).Name);
        await File.WriteAllTextAsync(path, "a: b\nc: 'd", Token);
        Assert.Equal("n1", (await api.GetNodeAsync("x", Token)).Name);
        Assert.Equal("n1", (await api.GetNodeAsync("x", Token)).Name);
        Assert.Equal(
            $"6000 kubeconfig {path} is neither YAML nor JSON (line 2); the former content stays in use",
            Assert.Single(parts.Logged));
        var other = second.WriteKubeconfig("token: two", $"certificate-authority: {second.Authority.CertificateFile}");
        File.Copy(other, path, overwrite: true);
        Assert.Equal("n2", (await api.GetNodeAsync("x", Token)).Name);
        Assert.Equal((second.Address, "Bearer two"), (api.Address, Assert.Single(second.Requests).Authorization));
    }

    [Fact]
    public async Task An_open_watch_outlives_a_replacement_of_the_certificates()
    {
        var more = new SemaphoreSlim(0);
        await using var server = await StubApiServer.StartAsync(async context =>
        {
            if (!context.Request.Query.ContainsKey("watch"))
            {
                await StubApiServer.WriteAsync(context, 200, Json.Node("n1"));
                return;
            }

            await StubApiServer.WriteAsync(context, 200, Json.Event("ADDED", Json.Node("n1", "11")) + "\n");
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await more.WaitAsync(context.RequestAborted);
            await context.Response.WriteAsync(Json.Event("ADDED", Json.Node("n2", "12")) + "\n", context.RequestAborted);
        });
        var ca = Path.Combine(server.Folder, "trusted.pem");
        File.Copy(server.Authority.CertificateFile, ca);
        using var api = Clients.Of(
            new KubeAccessOptions { KubeconfigFile = server.WriteKubeconfig("token: t", "certificate-authority: trusted.pem") });
        await using var events = api.WatchNodesAsync(null, "10", Token).GetAsyncEnumerator(Token);
        Assert.True(await events.MoveNextAsync());
        await File.AppendAllTextAsync(ca, "\n", Token);
        await api.GetNodeAsync("n1", Token);
        more.Release();
        Assert.True(await events.MoveNextAsync());
        Assert.Equal("12", events.Current.ResourceVersion);
        Assert.False(await events.MoveNextAsync());
    }
}
