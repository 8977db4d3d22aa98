using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Flannel.Etcd.Connection;

/// <summary>The certificate files, read anew for each handshake, so that a renewed certificate needs no restart. What counts is what
/// they hold: files that are links into a folder that is swapped, as Kubernetes mounts a secret, change without a trace in the
/// links.</summary>
internal sealed class TlsFiles(EtcdOptions options)
{
    private readonly Lock gate = new();
    private string seen = "";
    private Material? material;

    /// <param name="Authorities">Null: the system's.</param>
    /// <param name="Client">Null: no client certificate.</param>
    public sealed record Material(X509Certificate2Collection? Authorities, SslStreamCertificateContext? Client);

    /// <exception cref="ConnectFailure">A file is missing or of no use; the message names it.</exception>
    public Material Current()
    {
        lock (gate)
        {
            var authorities = Read("etcd-cafile", options.CaFile);
            var certificate = Read("etcd-certfile", options.CertFile);
            var key = Read("etcd-keyfile", options.KeyFile);
            var now = Fingerprint(authorities, certificate, key);
            if (material is not null && now == seen) return material;
            material = new Material(
                authorities is null ? null : Certificates("etcd-cafile", options.CaFile!, authorities),
                certificate is null ? null : Client(options.CertFile!, certificate, options.KeyFile!, key!));
            seen = now;
            return material;
        }
    }

    private static string? Read(string flag, string? path)
    {
        try
        {
            return path is null ? null : File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var why = e switch
            {
                FileNotFoundException or DirectoryNotFoundException => "does not exist",
                UnauthorizedAccessException => Directory.Exists(path) ? "is a folder" : "may not be read by this user",
                _ => "cannot be read: " + e.Message,
            };
            throw new ConnectFailure(EtcdErrorKind.Tls, $"{flag} {path} {why}", e);
        }
    }

    private static X509Certificate2Collection Certificates(string flag, string path, string text)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(text);
        }
        catch (CryptographicException e)
        {
            throw new ConnectFailure(EtcdErrorKind.Tls, $"{flag} {path} holds a certificate that cannot be read", e);
        }

        if (certificates.Count == 0) throw new ConnectFailure(EtcdErrorKind.Tls, $"{flag} {path} holds no certificate in PEM form");
        return certificates;
    }

    private static SslStreamCertificateContext Client(string certPath, string certificate, string keyPath, string key)
    {
        var chain = Certificates("etcd-certfile", certPath, certificate);
        X509Certificate2 leaf;
        try
        {
            leaf = X509Certificate2.CreateFromPem(chain[0].ExportCertificatePem(), key);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            // .NET says alike that there is no key, that it is encrypted, and that it is another certificate's: the PEM labels tell them
            // apart.
            var why = !key.Contains("PRIVATE KEY-----", StringComparison.Ordinal) ? "holds no private key in PEM form"
                : key.Contains("ENCRYPTED", StringComparison.Ordinal) ? "is encrypted: flanneld has nobody to ask for its passphrase"
                : $"does not belong to the certificate in {certPath}";
            throw new ConnectFailure(EtcdErrorKind.Tls, $"etcd-keyfile {keyPath} {why}", e);
        }

        chain.RemoveAt(0);
        return SslStreamCertificateContext.Create(leaf, chain, offline: true);
    }

    /// <summary>Not the texts themselves: one of them is a secret.</summary>
    private static string Fingerprint(params string?[] texts) =>
        Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', texts))));
}
