using System.Net.Security;

namespace Flannel.Testbed;

/// <summary>What mutual TLS with one server needs: an authority of our own, the server's certificate for its name and addresses, and a client's.</summary>
public sealed class TlsFiles : IDisposable
{
    private readonly TestAuthority authority;

    /// <param name="serverNames">Names and addresses that the server answers at.</param>
    public TlsFiles(string folder, params string[] serverNames)
    {
        authority = new TestAuthority(folder);
        Server = authority.Issue("server", serverNames);
        Client = authority.Issue("client");
    }

    public string Authority => authority.CertificateFile;

    public CertificateFiles Server { get; }

    public CertificateFiles Client { get; }

    public void Dispose() => authority.Dispose();

    internal SslClientAuthenticationOptions ClientOptions() => authority.ClientOptions(Client);
}
