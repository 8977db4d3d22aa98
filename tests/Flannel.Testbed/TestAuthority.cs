using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Flannel.Testbed;

/// <summary>The PEM files of a certificate and its key.</summary>
public sealed record CertificateFiles(string Certificate, string Key);

/// <summary>An authority of one test bed, and what it signs: PEM files in a folder, good for a day, for servers and clients alike.</summary>
public sealed class TestAuthority : IDisposable
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private readonly string folder;
    private readonly X509Certificate2 authority;

    /// <param name="folder">Readable by whoever needs the files; it exists already.</param>
    public TestAuthority(string folder)
    {
        this.folder = folder;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test bed", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(2));
        CertificateFile = Path.Combine(folder, "ca.pem");
        File.WriteAllText(CertificateFile, authority.ExportCertificatePem());
    }

    /// <summary>Its own certificate.</summary>
    public string CertificateFile { get; }

    /// <param name="name">Of the files, and the common name; etcd takes a client's common name for its user where no token says another.</param>
    /// <param name="addresses">Those, or the names, that a server answers at; none for a client.</param>
    public CertificateFiles Issue(string name, params string[] addresses)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new(ServerAuthentication), new(ClientAuthentication)], critical: false));
        if (addresses.Length > 0)
        {
            var names = new SubjectAlternativeNameBuilder();
            foreach (var address in addresses)
            {
                if (IPAddress.TryParse(address, out var ip)) names.AddIpAddress(ip);
                else names.AddDnsName(address);
            }
            request.CertificateExtensions.Add(names.Build());
        }
        using var certificate = request.Create(authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1), RandomNumberGenerator.GetBytes(8));
        var files = new CertificateFiles(Path.Combine(folder, $"{name}.pem"), Path.Combine(folder, $"{name}-key.pem"));
        File.WriteAllText(files.Certificate, certificate.ExportCertificatePem());
        File.WriteAllText(files.Key, key.ExportPkcs8PrivateKeyPem());
        return files;
    }

    /// <summary>For a client of the bed's own: with this certificate, trusting this authority alone.</summary>
    internal SslClientAuthenticationOptions ClientOptions(CertificateFiles client) => new()
    {
        ClientCertificates = [X509Certificate2.CreateFromPemFile(client.Certificate, client.Key)],
        CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { authority },
            RevocationMode = X509RevocationMode.NoCheck,
        },
    };

    public void Dispose() => authority.Dispose();
}
