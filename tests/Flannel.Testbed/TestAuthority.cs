using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Flannel.Testbed;

/// <summary>The PEM files of a certificate and its key.</summary>
public sealed record TlsFiles(string Certificate, string Key);

/// <summary>An authority of one test bed, and what it signs: PEM files in a folder, good for a day, for servers and clients alike.</summary>
public sealed class TestAuthority : IDisposable
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private readonly string _folder;
    private readonly X509Certificate2 _authority;

    /// <param name="folder">Readable by whoever needs the files; it exists already.</param>
    public TestAuthority(string folder)
    {
        _folder = folder;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test bed", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        _authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(2));
        CertificateFile = Path.Combine(folder, "ca.pem");
        File.WriteAllText(CertificateFile, _authority.ExportCertificatePem());
    }

    /// <summary>Its own certificate.</summary>
    public string CertificateFile { get; }

    /// <param name="name">Of the files, and the common name; etcd takes a client's common name for its user where no token says another.</param>
    /// <param name="addresses">Those that a server answers at; none for a client.</param>
    public TlsFiles Issue(string name, params string[] addresses)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new(ServerAuthentication), new(ClientAuthentication)], critical: false));
        if (addresses.Length > 0)
        {
            var names = new SubjectAlternativeNameBuilder();
            foreach (var address in addresses)
            {
                names.AddIpAddress(IPAddress.Parse(address));
            }
            request.CertificateExtensions.Add(names.Build());
        }
        using var certificate = request.Create(_authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1), RandomNumberGenerator.GetBytes(8));
        var files = new TlsFiles(Path.Combine(_folder, $"{name}.pem"), Path.Combine(_folder, $"{name}-key.pem"));
        File.WriteAllText(files.Certificate, certificate.ExportCertificatePem());
        File.WriteAllText(files.Key, key.ExportPkcs8PrivateKeyPem());
        return files;
    }

    public void Dispose() => _authority.Dispose();
}
