using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Flannel.Etcd.Connection;

/// <summary>The certificate files, read again when they have changed. Asked once per handshake, so that a renewed certificate needs no
/// restart.</summary>
internal sealed class TlsFiles(EtcdOptions options)
{
    private readonly Lock gate = new();
    private readonly List<(string Path, DateTime Written, long Length)> seen = [];
    private Material? material;

    /// <param name="Authorities">Null: the system's.</param>
    /// <param name="Client">Null: no client certificate.</param>
    public sealed record Material(X509Certificate2Collection? Authorities, SslStreamCertificateContext? Client);

    /// <exception cref="ConnectFailure">A file is missing or of no use; the message names it.</exception>
    public Material Current()
    {
        lock (gate)
        {
            if (material is not null && seen.TrueForAll(file => Look(file.Path) == file)) return material;
            // Looked at before they are read: a change in between is then seen the next time.
            seen.Clear();
            foreach (var path in new[] { options.CaFile, options.CertFile, options.KeyFile })
            {
                if (path is not null) seen.Add(Look(path));
            }

            material = null;
            material = new Material(
                options.CaFile is null ? null : ReadAuthorities(options.CaFile),
                options.CertFile is null ? null : ReadClient(options.CertFile, options.KeyFile!));
            return material;
        }
    }

    private static (string, DateTime, long) Look(string path)
    {
        var file = new FileInfo(path);
        return file.Exists ? (path, file.LastWriteTimeUtc, file.Length) : (path, default, -1);
    }

    private static X509Certificate2Collection ReadAuthorities(string path)
    {
        var authorities = new X509Certificate2Collection();
        Read("etcd-cafile", path, () => authorities.ImportFromPemFile(path));
        if (authorities.Count == 0) throw new ConnectFailure(EtcdErrorKind.Tls, $"etcd-cafile {path} holds no certificate in PEM form");
        return authorities;
    }

    private static SslStreamCertificateContext ReadClient(string certPath, string keyPath)
    {
        var chain = new X509Certificate2Collection();
        Read("etcd-certfile", certPath, () => chain.ImportFromPemFile(certPath));
        if (chain.Count == 0) throw new ConnectFailure(EtcdErrorKind.Tls, $"etcd-certfile {certPath} holds no certificate in PEM form");
        var key = "";
        Read("etcd-keyfile", keyPath, () => key = File.ReadAllText(keyPath));
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

    private static void Read(string flag, string path, Action read)
    {
        try
        {
            read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            var why = e switch
            {
                FileNotFoundException or DirectoryNotFoundException => "does not exist",
                UnauthorizedAccessException => "may not be read by this user",
                CryptographicException => "does not exist or is not in PEM form",
                _ => "cannot be read: " + e.Message,
            };
            if (e is CryptographicException) why = File.Exists(path) ? "is not in PEM form" : "does not exist";
            throw new ConnectFailure(EtcdErrorKind.Tls, $"{flag} {path} {why}", e);
        }
    }
}
