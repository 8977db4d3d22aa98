using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Tests.Support;
using Flannel.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Flannel.AliCloud.Tests.Http;

/// <summary>Uses TLS like the real cloud: the TLS handshake negotiates the HTTP version.</summary>
public sealed class HttpVersionTests : IAsyncDisposable
{
    private const string SecretText = "secret-of-the-test";

    private readonly X509Certificate2 certificate = MakeCertificate();
    private readonly ConcurrentQueue<(string Protocol, string Connection, string? Expected, string? Sent)> requests = new();
    private WebApplication? server;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(HttpProtocols.Http1AndHttp2)]
    [InlineData(HttpProtocols.Http1)]
    public async Task Requests_use_HTTP_1_1_and_one_connection_and_arrive_with_a_valid_signature(HttpProtocols offered)
    {
        using var api = await ConnectAsync(offered);
        for (var i = 0; i < 3; i++)
        {
            var answer = await api.DescribeVpcAttributeAsync(TestCloud.Region, "vpc-1", Token);
            Assert.True(answer.Ok, answer.ToString());
        }

        Assert.Equal(3, requests.Count);
        Assert.All(requests, r => Assert.Equal(("HTTP/1.1", r.Expected), (r.Protocol, r.Sent)));
        Assert.Single(requests.Select(r => r.Connection).Distinct());
    }

    public async ValueTask DisposeAsync()
    {
        if (server is not null) await server.DisposeAsync();
        certificate.Dispose();
    }

    private async Task<CloudApi> ConnectAsync(HttpProtocols offered)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = offered;
            listen.UseHttps(certificate);
        }));
        server = builder.Build();
        server.Run(ServeAsync);
        await server.StartAsync(Token);
        var options = new CloudApiOptions { ProgramVersion = "t", VpcEndpoint = CloudEndpoint.Parse(server.Urls.Single()).Value };
        var handler = CloudHttpHandler.Create(options);
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) =>
            shown?.GetCertHashString() == certificate.GetCertHashString();
        return new CloudApi(Contexts.Create(options, handler: handler), StaticCredentials.Of("key", SecretText));
    }

    private async Task ServeAsync(HttpContext context)
    {
        var request = context.Request;
        using var secret = new Secret(SecretText);
        var signed = request.Headers.Where(h => h.Key.StartsWith("x-acs-", StringComparison.OrdinalIgnoreCase)).Select(
            h => KeyValuePair.Create(h.Key, h.Value.ToString()));
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var expected = Acs3Signer.Sign(
            request.Method, "/", target[(target.IndexOf('?', StringComparison.Ordinal) + 1)..],
                signed.Append(new("host", request.Host.Value!)), Acs3Signer.EmptyBodyHash, "key", secret);
        requests.Enqueue((request.Protocol, context.Connection.Id, expected.Authorization, request.Headers.Authorization));
        await context.Response.WriteAsync("""{"RequestId":"R","VpcId":"vpc-1","CidrBlock":"192.168.0.0/16"}""", Token);
    }

    private static X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var made = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256).CreateSelfSigned(
            DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }
}
