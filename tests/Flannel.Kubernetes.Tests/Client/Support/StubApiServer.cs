using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Flannel.Testbed;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace Flannel.Kubernetes.Tests.Client.Support;

/// <summary>A request that the stub received.</summary>
/// <param name="Target">Path and query as they were sent, decoded.</param>
/// <param name="ClientName">The common name of the client certificate; null without one.</param>
internal sealed record ReceivedRequest(
    string Method, string Target, string Body, string Protocol, IReadOnlyDictionary<string, string> Headers, string? ClientName)
{
    public string? Authorization => Headers.GetValueOrDefault("Authorization");
}

/// <summary>An HTTPS server in place of an API server, for responses that a real one does not send on demand. A CA of its own has issued
/// its certificate.</summary>
internal sealed class StubApiServer : IAsyncDisposable
{
    private readonly RunFolder folder = new("stub-api");
    private readonly ConcurrentQueue<ReceivedRequest> requests = new();
    private readonly Func<HttpContext, Task> respond;
    private WebApplication? server;
    private volatile X509Certificate2? certificate;

    private StubApiServer(Func<HttpContext, Task> respond)
    {
        this.respond = respond;
        Authority = new TestCertificateAuthority(folder.Path);
    }

    public TestCertificateAuthority Authority { get; }

    /// <summary>Of the files of the test.</summary>
    public string Folder => folder.Path;

    /// <summary>Scheme, host and port.</summary>
    public string Address { get; private set; } = "";

    public IReadOnlyList<ReceivedRequest> Requests => [.. requests];

    /// <param name="names">In the certificate of the server; none for those of this machine.</param>
    public static async Task<StubApiServer> StartAsync(
        Func<HttpContext, Task> respond, HttpProtocols protocols = HttpProtocols.Http1AndHttp2, params string[] names)
    {
        var stub = new StubApiServer(respond);
        var issued = stub.Authority.Issue("server", names.Length == 0 ? ["127.0.0.1", "localhost"] : names);
        stub.UseCertificate(issued);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = protocols;
            listen.UseHttps(https =>
            {
                https.ServerCertificateSelector = (_, _) => stub.certificate;
                https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                https.AllowAnyClientCertificate();
            });
        }));
        stub.server = builder.Build();
        stub.server.Run(stub.ServeAsync);
        await stub.server.StartAsync(TestContext.Current.CancellationToken);
        stub.Address = stub.server.Urls.Single();
        return stub;
    }

    /// <summary>Responds with the same text to each request.</summary>
    public static Task<StubApiServer> StartAsync(int status, string body, string contentType = "application/json") =>
        StartAsync(context => WriteAsync(context, status, body, contentType));

    public static Task WriteAsync(HttpContext context, int status, string body, string contentType = "application/json")
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        return context.Response.WriteAsync(body, context.RequestAborted);
    }

    /// <summary>Of new connections.</summary>
    public void UseCertificate(CertificateFiles files)
    {
        using var read = X509Certificate2.CreateFromPemFile(files.Certificate, files.Key);
        certificate = X509CertificateLoader.LoadPkcs12(read.Export(X509ContentType.Pkcs12), null);
    }

    /// <summary>Writes a kubeconfig for this server.</summary>
    /// <param name="user">Lines of the user, such as <c>token: x</c>.</param>
    /// <param name="cluster">Lines of the cluster; null for the CA of this server.</param>
    /// <returns>The path.</returns>
    public string WriteKubeconfig(string user, string? cluster = null, string? server = null)
    {
        var path = Path.Combine(Folder, "kubeconfig");
        File.WriteAllText(path, string.Create(CultureInfo.InvariantCulture, $"""
            apiVersion: v1
            kind: Config
            current-context: here
            contexts:
            - name: here
              context: {'{'}cluster: one, user: me{'}'}
            clusters:
            - name: one
              cluster:
                server: {server ?? Address}
                {cluster ?? $"certificate-authority: {Path.GetFileName(Authority.CertificateFile)}"}
            users:
            - name: me
              user:
                {user}

            """));
        return path;
    }

    public async ValueTask DisposeAsync()
    {
        if (server is not null) await server.DisposeAsync();
        Authority.Dispose();
        folder.Dispose();
    }

    private async Task ServeAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        requests.Enqueue(new ReceivedRequest(
            context.Request.Method, context.Request.Path + Uri.UnescapeDataString(context.Request.QueryString.Value ?? ""), body,
            context.Request.Protocol, context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString()),
            context.Connection.ClientCertificate?.GetNameInfo(X509NameType.SimpleName, forIssuer: false)));
        await respond(context);
    }
}
