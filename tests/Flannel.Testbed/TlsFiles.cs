using System.Net.Security;

namespace Flannel.Testbed;

/// <summary>What mutual TLS with one server needs: an authority of our own, the server's certificate for its name and addresses, and a client's.</summary>
public sealed class TlsFiles : IDisposable
{
    private readonly TestAuthority _authority;

    /// <param name="serverNames">Names and addresses that the server answers at.</param>
    public TlsFiles(string folder, params string[] serverNames)
    {
        _authority = new TestAuthority(folder);
        Server = _authority.Issue("server", serverNames);
        Client = _authority.Issue("client");
    }

    public string Authority => _authority.CertificateFile;

    public CertificateFiles Server { get; }

    public CertificateFiles Client { get; }

    public void Dispose() => _authority.Dispose();

    internal SslClientAuthenticationOptions ClientOptions() => _authority.ClientOptions(Client);
}
