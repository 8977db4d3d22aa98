using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Flannel.Core.Tls;

/// <summary>The certificate files, read for each handshake, so that a renewed certificate needs no restart. The content is compared: a
/// secret that Kubernetes mounts is a link into a directory that is replaced, and the link itself does not change. Files that cannot be
/// used, such as during a replacement, leave the former content in use. Thread-safe.</summary>
/// <param name="reportFormerContent">Called with the problem when a former content stays in use, once for each problem.</param>
public sealed class TlsFiles(TlsSettings settings, Action<string>? reportFormerContent = null)
{
    // Keys that .NET cannot sign with (RFC 8410).
    private static readonly Dictionary<string, string> UnsupportedKeys = new(StringComparer.Ordinal)
    {
        ["1.3.101.112"] = "Ed25519",
        ["1.3.101.113"] = "Ed448",
    };

    private readonly Lock gate = new();
    private string lastFingerprint = "";
    private TlsMaterial? material;
    private string? lastReported;

    /// <returns>The error names the file that is missing or cannot be used. There is none while a former content is in use.</returns>
    public Result<TlsMaterial> Current()
    {
        lock (gate)
        {
            var read = ReadAll();
            if (read.Ok)
            {
                material = read.Value;
                lastReported = null;
                return read;
            }

            if (material is null) return read;
            if (lastReported != read.Error) reportFormerContent?.Invoke(read.Error);
            lastReported = read.Error;
            return material;
        }
    }

    private Result<TlsMaterial> ReadAll()
    {
        var texts = new List<string?>();
        foreach (var input in new[] { settings.Authorities, settings.Certificate, settings.Key })
        {
            var text = Read(input);
            if (!text.Ok) return Result.Failure(text.Error);
            texts.Add(input.IsGiven ? text.Value : null);
        }

        var now = Fingerprint(texts);
        if (material is not null && now == lastFingerprint) return material;
        var read = Parse(texts[0], texts[1], texts[2]);
        if (read.Ok) lastFingerprint = now;
        return read;
    }

    private Result<TlsMaterial> Parse(string? authorities, string? certificate, string? key)
    {
        X509Certificate2Collection? trusted = null;
        if (authorities is not null)
        {
            var read = Certificates(settings.Authorities, authorities);
            if (!read.Ok) return Result.Failure(read.Error);
            trusted = read.Value;
        }

        if (certificate is null) return new TlsMaterial(trusted, Client: null);
        return Client(certificate, key ?? "").Select(client => new TlsMaterial(trusted, client));
    }

    /// <returns>Empty if the input is not given.</returns>
    private static Result<string> Read(TlsInput input)
    {
        if (input.Path is null) return input.Text?.RevealText() ?? "";
        switch (SmallFile.Read(input.Path))
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
                return Result.Failure($"{input} {unusable.Reason}");
            case var other:
                throw new InvalidOperationException($"unexpected {other.GetType()}");
        }
    }

    private static Result<X509Certificate2Collection> Certificates(TlsInput input, string text)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(text);
        }
        catch (CryptographicException)
        {
            return Result.Failure($"{input} holds a certificate that cannot be read");
        }

        return certificates.Count == 0 ? Result.Failure($"{input} holds no certificate in PEM form") : certificates;
    }

    private Result<SslStreamCertificateContext> Client(string certificate, string key)
    {
        var read = Certificates(settings.Certificate, certificate);
        if (!read.Ok) return Result.Failure(read.Error);
        var chain = read.Value;
        X509Certificate2 leaf;
        try
        {
            leaf = X509Certificate2.CreateFromPem(chain[0].ExportCertificatePem(), key);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return Result.Failure(UnsupportedKeys.ContainsKey(chain[0].PublicKey.Oid.Value ?? "")
                ? Unsupported(chain[0].PublicKey.Oid)
                : $"{settings.Key} {DescribeKeyProblem(key)}");
        }
        catch (NotSupportedException)
        {
            return Result.Failure(Unsupported(chain[0].PublicKey.Oid));
        }

        chain.RemoveAt(0);
        return SslStreamCertificateContext.Create(leaf, chain, offline: true);
    }

    /// <summary>.NET throws the same exception for a missing, an encrypted and a wrong key. The PEM labels distinguish them.</summary>
    private string DescribeKeyProblem(string key)
    {
        if (!key.Contains("PRIVATE KEY-----", StringComparison.Ordinal)) return "holds no private key in PEM form";
        return key.Contains("ENCRYPTED", StringComparison.Ordinal)
            ? "is encrypted: flanneld cannot ask for its passphrase"
            : $"does not belong to the certificate in {settings.Certificate.Source}";
    }

    private string Unsupported(Oid algorithm)
    {
        var name = UnsupportedKeys.GetValueOrDefault(algorithm.Value ?? "", algorithm.FriendlyName ?? algorithm.Value ?? "unknown");
        return $"{settings.Certificate} has a key of type {name}, which flanneld does not support; use an RSA or ECDSA key";
    }

    /// <summary>A hash, because one of the texts is a secret.</summary>
    private static string Fingerprint(IEnumerable<string?> texts) =>
        Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', texts))));
}
