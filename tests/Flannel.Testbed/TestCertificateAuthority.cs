using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Flannel.Testbed;

/// <summary>The PEM files of a certificate and its key.</summary>
public sealed record CertificateFiles(string Certificate, string Key);

/// <summary>A CA that writes its certificate and the certificates that it issues as PEM files into a folder. They are valid for one day,
/// for servers and clients.</summary>
public sealed class TestCertificateAuthority : IDisposable
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private readonly string folder;
    private readonly X509Certificate2 authority;

    /// <param name="folder">An existing folder that the users of the files may read.</param>
    public TestCertificateAuthority(string folder)
    {
        this.folder = folder;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test bed", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true,
            hasPathLengthConstraint: false, 0, critical: true));
        authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(2));
        CertificateFile = Path.Combine(folder, "ca.pem");
        File.WriteAllText(CertificateFile, authority.ExportCertificatePem());
    }

    /// <summary>The path of the CA's certificate.</summary>
    public string CertificateFile { get; }

    /// <param name="name">The name of the files and the common name. Without a token, etcd uses the common name of a client as its
    /// user.</param>
    /// <param name="addresses">Addresses and names of a server; none for a client.</param>
    public CertificateFiles Issue(string name, params string[] addresses)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(
            new X509EnhancedKeyUsageExtension([new(ServerAuthentication), new(ClientAuthentication)], critical: false));
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
        using var certificate = request.Create(
            authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1), RandomNumberGenerator.GetBytes(8));
        var files = new CertificateFiles(Path.Combine(folder, $"{name}.pem"), Path.Combine(folder, $"{name}-key.pem"));
        File.WriteAllText(files.Certificate, certificate.ExportCertificatePem());
        File.WriteAllText(files.Key, key.ExportPkcs8PrivateKeyPem());
        return files;
    }

    /// <summary>Options for a client of the test bed, which trusts only this CA.</summary>
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
