using System.Net.Security;

namespace Flannel.Testbed;

/// <summary>The files for mutual TLS with one server: a CA, a server certificate and a client certificate.</summary>
public sealed class TlsFiles : IDisposable
{
    private readonly TestCertificateAuthority authority;

    /// <param name="serverNames">Names and addresses of the server.</param>
    public TlsFiles(string folder, params string[] serverNames)
    {
        authority = new TestCertificateAuthority(folder);
        Server = authority.Issue("server", serverNames);
        Client = authority.Issue("client");
    }

    public string Authority => authority.CertificateFile;

    public CertificateFiles Server { get; }

    public CertificateFiles Client { get; }

    public void Dispose() => authority.Dispose();

    internal SslClientAuthenticationOptions ClientOptions() => authority.ClientOptions(Client);
}
