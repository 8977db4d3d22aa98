using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Flannel.AliCloud.Http;

namespace Flannel.AliCloud.Tests.Http;

public class EndpointCheckTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_endpoint_without_TLS_is_reported_as_such()
    {
        using var listener = Listen(out var port);
        var result = await CheckAsync($"http://127.0.0.1:{port}");
        Assert.Equal(new EndpointCheckResult("vpc", $"http://127.0.0.1:{port} is 127.0.0.1, without TLS", true, ""), result);
    }

    [Fact]
    public async Task An_untrusted_certificate_is_a_failure()
    {
        using var listener = Listen(out var port);
        var serving = ServeTlsAsync(listener);
        var result = await CheckAsync($"https://127.0.0.1:{port}");
        Assert.False(result.IsReachable);
        Assert.StartsWith($"https://127.0.0.1:{port}: TLS handshake failed: ", result.Detail, StringComparison.Ordinal);
        await serving;
    }

    [Fact]
    public async Task A_closed_port_is_reported_with_the_address()
    {
        using (Listen(out var port))
        {
            using var other = Listen(out var closed);
            other.Stop();
            var result = await CheckAsync($"http://127.0.0.1:{closed}");
            Assert.False(result.IsReachable);
            Assert.StartsWith($"http://127.0.0.1:{closed}: ", result.Detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task An_unknown_name_is_reported_as_such()
    {
        // A label of more than 63 letters is invalid: the resolver sends no request.
        var name = new string('a', 70) + ".invalid";
        var result = await CheckAsync($"https://{name}");
        Assert.Equal(new EndpointCheckResult("vpc", $"{name} does not resolve: Name or service not known", false, ""), result);
    }

    [Fact]
    public async Task An_invalid_region_has_no_endpoint() =>
        Assert.Equal(new EndpointCheckResult("ecs", "'nowhere' is not a region id", false, ""),
            await EndpointCheck.EcsAsync(new CloudApiOptions { ProgramVersion = "t" }, "nowhere", TimeProvider.System, Token));

    private static Task<EndpointCheckResult> CheckAsync(string endpoint) => EndpointCheck.VpcAsync(
        new CloudApiOptions
        {
            ProgramVersion = "t",
            VpcEndpoint = CloudEndpoint.Parse(endpoint).Value,
            ConnectTimeout = TimeSpan.FromSeconds(30),
        }, "cn-hangzhou", TimeProvider.System, Token);

    private static TcpListener Listen(out int port)
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        port = ((IPEndPoint)listener.LocalEndpoint).Port;
        return listener;
    }

    private static async Task ServeTlsAsync(TcpListener listener)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var client = await listener.AcceptTcpClientAsync(Token);
        await using var stream = new SslStream(client.GetStream());
        try
        {
            await stream.AuthenticateAsServerAsync(certificate);
        }
        catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
        {
            // The client rejects the certificate.
        }
    }
}
