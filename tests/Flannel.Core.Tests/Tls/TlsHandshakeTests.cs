using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Flannel.Core.Tls;
using Flannel.Testbed;

namespace Flannel.Core.Tests.Tls;

/// <summary><see cref="CertificateValidator"/> and <see cref="TlsAlertStream"/> with a server that requires client certificates. The alerts
/// of a server in Go are in the tests of etcd's client: a server in .NET sends none.</summary>
public sealed class TlsHandshakeTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("flannel-tls-").FullName;
    private readonly TestCertificateAuthority authority;
    private readonly CertificateFiles server;

    public TlsHandshakeTests()
    {
        authority = new TestCertificateAuthority(folder);
        server = authority.Issue("server", "127.0.0.1");
    }

    [Fact]
    public async Task A_server_and_a_client_of_the_same_authority_accept_each_other()
    {
        var client = authority.Issue("client");
        var result = await ConnectAsync(new TlsSettings(
            "the API server", new("ca", authority.CertificateFile), new("cert", client.Certificate), new("key", client.Key)));
        Assert.Equal(new Handshake(Problem: null, Rejection: null, IsAccepted: true), result);
    }

    [Fact]
    public async Task An_unknown_authority_is_reported_with_the_input_that_lacks_it()
    {
        var others = Directory.CreateDirectory(Path.Combine(folder, "others")).FullName;
        using var other = new TestCertificateAuthority(others);
        var result = await ConnectAsync(new TlsSettings("the API server", new("ca", other.CertificateFile), new("cert"), new("key")));
        Assert.EndsWith($"which is not among ca {other.CertificateFile}", result.Problem, StringComparison.Ordinal);
        result = await ConnectAsync(new TlsSettings("the API server", new("ca"), new("cert"), new("key")));
        Assert.EndsWith("which is not among the system's authorities (give ca)", result.Problem, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        authority.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private async Task<Handshake> ConnectAsync(TlsSettings settings)
    {
        var cancel = TestContext.Current.CancellationToken;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeAsync(listener, cancel);
        using var socket = new TcpClient();
        await socket.ConnectAsync((IPEndPoint)listener.LocalEndpoint, cancel);
        var material = new TlsFiles(settings).Current().Value;
        var validator = new CertificateValidator("127.0.0.1", settings.Authorities, material.Authorities);
        string? rejection = null;
        var isAccepted = false;
        await using var secure = new TlsAlertStream(
            socket.GetStream(), settings, reason => (rejection, isAccepted) = (reason, reason is null));
        try
        {
            await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "127.0.0.1",
                CertificateChainPolicy = validator.CreatePolicy(),
                ClientCertificateContext = material.Client,
                RemoteCertificateValidationCallback = validator.Validate,
            }, cancel);
            await secure.ReadExactlyAsync(new byte[1], cancel);
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            // What the test asserts on.
        }

        socket.Close();
        await serving;
        return new Handshake(validator.Problem, rejection, isAccepted);
    }

    private async Task ServeAsync(TcpListener listener, CancellationToken cancel)
    {
        using var socket = await listener.AcceptTcpClientAsync(cancel);
        await using var secure = new SslStream(socket.GetStream());
        try
        {
            await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificate = X509Certificate2.CreateFromPemFile(server.Certificate, server.Key),
                ClientCertificateRequired = true,
                RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
            }, cancel);
            await secure.WriteAsync(new byte[1], cancel);
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            // The client rejects the server, or the server the client.
        }
    }

    /// <param name="Problem">Why the client rejects the server.</param>
    /// <param name="Rejection">Why the server rejects the client.</param>
    private sealed record Handshake(string? Problem, string? Rejection, bool IsAccepted);
}
