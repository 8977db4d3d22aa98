using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Flannel.Etcd.Tests.Fixtures;

/// <summary>The PEM files of a certificate and its key.</summary>
public sealed record CertificateFiles(string Cert, string Key);

/// <summary>An authority and the certificates that it signs, as PEM files in a folder.</summary>
public sealed class Certificates : IDisposable
{
    private readonly X509Certificate2 authority;
    private readonly string folder;
    private readonly bool keyIdentifiers;

    /// <param name="parent">Who signs the authority; null for itself.</param>
    /// <param name="subject">Of the authority; null for the name.</param>
    /// <param name="keyIdentifiers">Whether the authority and what it signs name its key.</param>
    public Certificates(string folder, string name, X509Certificate2? parent = null, string? subject = null, bool keyIdentifiers = false)
    {
        this.folder = folder;
        this.keyIdentifiers = keyIdentifiers;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={subject ?? name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        if (keyIdentifiers) request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var (from, to) = (DateTimeOffset.UtcNow.AddDays(-9), DateTimeOffset.UtcNow.AddDays(9));
        if (parent is null)
        {
            authority = request.CreateSelfSigned(from, to);
        }
        else
        {
            using var signed = request.Create(parent, from, to, RandomNumberGenerator.GetBytes(8));
            authority = signed.CopyWithPrivateKey(key);
        }

        File.WriteAllText(AuthorityFile = Path.Combine(folder, name + ".pem"), authority.ExportCertificatePem());
    }

    public string AuthorityFile { get; }

    /// <summary>Signs a certificate for a server and a client.</summary>
    public CertificateFiles Sign(string name, bool expired = false, IPAddress? address = null, bool notYet = false)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        if (address is not null) names.AddIpAddress(address);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new("1.3.6.1.5.5.7.3.1"), new("1.3.6.1.5.5.7.3.2")], false));
        if (keyIdentifiers)
        {
            request.CertificateExtensions.Add(
                X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true,
                    includeIssuerAndSerial: false));
        }

        using var certificate = request.Create(
            authority, DateTimeOffset.UtcNow.AddDays(notYet ? 1 : -5), DateTimeOffset.UtcNow.AddDays(expired ? -1 : 5),
            RandomNumberGenerator.GetBytes(8));
        var files = new CertificateFiles(Path.Combine(folder, name + ".pem"), Path.Combine(folder, name + "-key.pem"));
        File.WriteAllText(files.Cert, certificate.ExportCertificatePem());
        File.WriteAllText(files.Key, key.ExportPkcs8PrivateKeyPem());
        return files;
    }

    public void Dispose() => authority.Dispose();
}
