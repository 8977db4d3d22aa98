using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Flannel.Testbed;

/// <summary>An authority of our own, a server's certificate for a name and addresses, and a client's: PEM files that any user may read.</summary>
public sealed class TlsFiles
{
    private const string ServerUse = "1.3.6.1.5.5.7.3.1";
    private const string ClientUse = "1.3.6.1.5.5.7.3.2";

    private readonly X509Certificate2 _authority;

    public TlsFiles(string folder, string serverName, params IPAddress[] addresses)
    {
        (Authority, ServerCertificate, ServerKey) = (Path.Combine(folder, "ca.pem"), Path.Combine(folder, "server.pem"), Path.Combine(folder, "server-key.pem"));
        (ClientCertificate, ClientKey) = (Path.Combine(folder, "client.pem"), Path.Combine(folder, "client-key.pem"));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=flannel test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = TimeProvider.System.GetUtcNow();
        _authority = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
        File.WriteAllText(Authority, _authority.ExportCertificatePem());

        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(serverName);
        foreach (var address in addresses)
        {
            names.AddIpAddress(address);
        }
        // etcd's gateway is a client of its own server, with the server's certificate.
        Issue($"CN={serverName}", names, ServerCertificate, ServerKey, ServerUse, ClientUse);
        Issue("CN=flannel", null, ClientCertificate, ClientKey, ClientUse);
    }

    public string Authority { get; }

    public string ServerCertificate { get; }

    public string ServerKey { get; }

    public string ClientCertificate { get; }

    public string ClientKey { get; }

    internal SslClientAuthenticationOptions ClientOptions() => new()
    {
        ClientCertificates = [X509Certificate2.CreateFromPemFile(ClientCertificate, ClientKey)],
        CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { _authority }, RevocationMode = X509RevocationMode.NoCheck },
    };

    private void Issue(string subject, SubjectAlternativeNameBuilder? names, string certificateFile, string keyFile, params string[] uses)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([.. uses.Select(use => new Oid(use))], critical: false));
        if (names is not null)
        {
            request.CertificateExtensions.Add(names.Build());
        }
        using var certificate = request.Create(_authority, _authority.NotBefore, _authority.NotAfter, RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
    }
}
