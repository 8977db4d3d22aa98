using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Flannel.Core;
using Microsoft.Extensions.Logging;

namespace Flannel.Etcd.Client;

/// <summary>The certificate files, read for each handshake, so that a renewed certificate needs no restart. The content is compared: a
/// secret that Kubernetes mounts is a link into a directory that is replaced, and the link itself does not change. Files that cannot be
/// used, such as during a replacement, leave the former content in use. Thread-safe.</summary>
/// <param name="logger">Null: a former content that stays in use is not logged.</param>
internal sealed class TlsFiles(EtcdOptions options, ILogger? logger = null)
{
    // Keys that .NET cannot sign with (RFC 8410).
    private static readonly Dictionary<string, string> UnsupportedKeys = new(StringComparer.Ordinal)
    {
        ["1.3.101.112"] = "Ed25519",
        ["1.3.101.113"] = "Ed448",
    };

    private readonly Lock gate = new();
    private string lastFingerprint = "";
    private Material? material;
    private string? lastLogged;

    /// <param name="Authorities">Null for the system's.</param>
    /// <param name="Client">Null for no client certificate.</param>
    public sealed record Material(X509Certificate2Collection? Authorities, SslStreamCertificateContext? Client);

    /// <exception cref="EtcdConnectException">A file is missing or cannot be used, and there is no former content; the message names
    /// it.</exception>
    public Material Current()
    {
        lock (gate)
        {
            try
            {
                material = ReadAll(material);
                lastLogged = null;
                return material;
            }
            catch (EtcdConnectException e) when (material is not null)
            {
                if (lastLogged != e.Message && logger is not null) EtcdLog.FormerFileUsed(logger, e.Message);
                lastLogged = e.Message;
                return material;
            }
        }
    }

    private Material ReadAll(Material? former)
    {
        var authorities = Read("etcd-cafile", options.CaFile);
        var certificate = Read("etcd-certfile", options.CertFile);
        var key = Read("etcd-keyfile", options.KeyFile);
        var now = Fingerprint(authorities, certificate, key);
        if (former is not null && now == lastFingerprint) return former;
        var read = new Material(
            authorities is null ? null : Certificates("etcd-cafile", options.CaFile!, authorities),
            certificate is null ? null : Client(options.CertFile!, certificate, options.KeyFile!, key!));
        lastFingerprint = now;
        return read;
    }

    private static string? Read(string flag, string? path)
    {
        if (path is null) return null;
        switch (SmallFile.Read(path))
        {
            case SmallFileResult.Present present:
                // A StreamReader detects the encoding by its byte order mark.
                using (var reader = new StreamReader(new MemoryStream(present.Content)))
                {
                    var text = reader.ReadToEnd();
                    CryptographicOperations.ZeroMemory(present.Content);
                    return text;
                }

            case SmallFileResult.Unusable unusable:
                throw new EtcdConnectException(EtcdErrorKind.Tls, $"{flag} {Redaction.Path(path)} {unusable.Reason}");
            case var other:
                throw new InvalidOperationException($"unexpected {other.GetType()}");
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
            throw new EtcdConnectException(EtcdErrorKind.Tls, $"{flag} {Redaction.Path(path)} holds a certificate that cannot be read", e);
        }

        if (certificates.Count == 0)
            throw new EtcdConnectException(EtcdErrorKind.Tls, $"{flag} {Redaction.Path(path)} holds no certificate in PEM form");
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
            if (UnsupportedKeys.ContainsKey(chain[0].PublicKey.Oid.Value ?? ""))
                throw new EtcdConnectException(EtcdErrorKind.Tls, Unsupported(certPath, chain[0].PublicKey.Oid), e);
            var problem = DescribeKeyProblem(key, certPath);
            throw new EtcdConnectException(EtcdErrorKind.Tls, $"etcd-keyfile {Redaction.Path(keyPath)} {problem}", e);
        }
        catch (NotSupportedException e)
        {
            throw new EtcdConnectException(EtcdErrorKind.Tls, Unsupported(certPath, chain[0].PublicKey.Oid), e);
        }

        chain.RemoveAt(0);
        return SslStreamCertificateContext.Create(leaf, chain, offline: true);
    }

    /// <summary>.NET throws the same exception for a missing, an encrypted and a wrong key. The PEM labels distinguish them.</summary>
    private static string DescribeKeyProblem(string key, string certPath)
    {
        if (!key.Contains("PRIVATE KEY-----", StringComparison.Ordinal)) return "holds no private key in PEM form";
        return key.Contains("ENCRYPTED", StringComparison.Ordinal)
            ? "is encrypted: flanneld cannot ask for its passphrase"
            : $"does not belong to the certificate in {Redaction.Path(certPath)}";
    }

    private static string Unsupported(string certPath, Oid algorithm)
    {
        var name = UnsupportedKeys.GetValueOrDefault(algorithm.Value ?? "", algorithm.FriendlyName ?? algorithm.Value ?? "unknown");
        return $"etcd-certfile {Redaction.Path(certPath)} has a key of type {name}, which flanneld does not support;"
            + " use an RSA or ECDSA key";
    }

    /// <summary>A hash, because one of the texts is a secret.</summary>
    private static string Fingerprint(params string?[] texts) =>
        Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', texts))));
}
