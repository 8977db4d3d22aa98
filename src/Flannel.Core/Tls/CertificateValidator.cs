using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Flannel.Core.Tls;

/// <summary>Validates a server's certificate as Go's TLS does, as operators of servers in Go expect, and describes a problem in one line.
/// One object for each handshake.</summary>
/// <param name="host">The server, for messages.</param>
/// <param name="input">Where <paramref name="authorities"/> come from, for messages.</param>
/// <param name="authorities">Null for the system's.</param>
public sealed class CertificateValidator(string host, TlsInput input, X509Certificate2Collection? authorities)
{
    /// <summary>Why the certificate was rejected; null if it was not.</summary>
    public string? Problem { get; private set; }

    public X509ChainPolicy CreatePolicy()
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        if (authorities is null) return policy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        foreach (var authority in authorities)
        {
            if (IsSelfSigned(authority)) policy.CustomTrustStore.Add(authority);
            else policy.ExtraStore.Add(authority);
        }

        return policy;
    }

    public bool Validate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors == SslPolicyErrors.None) return true;
        if (certificate is null || chain is null)
        {
            Problem = $"{host} sent no certificate";
            return false;
        }

        var leaf = certificate as X509Certificate2;
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            Problem = $"the certificate of {host} is for another name: {Names(leaf)}";
            return false;
        }

        if (IsTrusted(chain) || (leaf is not null && IsTrustedByOneOfSameSubject(leaf, chain))) return true;
        Problem = Describe(Flags(chain), leaf, chain);
        return false;
    }

    private static X509ChainStatusFlags Flags(X509Chain chain) =>
        chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, status) => all | status.Status);

    /// <summary>An intermediate authority in the CA file is trusted without its own issuer, because an operator put it there.</summary>
    private bool IsTrusted(X509Chain chain) => Flags(chain) switch
    {
        X509ChainStatusFlags.NoError => true,
        X509ChainStatusFlags.PartialChain =>
            authorities is not null
            && authorities.Any(authority => IsSame(authority, chain.ChainElements[^1].Certificate)),
        _ => false,
    };

    /// <summary>Of several authorities with one subject, such as during a replacement, OpenSSL takes the first as the issuer, unless key
    /// identifiers distinguish them. Go tries all of them, and so does this method.</summary>
    private bool IsTrustedByOneOfSameSubject(X509Certificate2 leaf, X509Chain chain)
    {
        foreach (var authority in authorities ?? [])
        {
            bool HasSameSubject(X509Certificate2 other) =>
                IsSameName(other.SubjectName, authority.SubjectName) && !IsSame(other, authority);
            if (!authorities!.Any(HasSameSubject)) continue;
            using var other = new X509Chain { ChainPolicy = chain.ChainPolicy.Clone() };
            RemoveWhere(other.ChainPolicy.CustomTrustStore, HasSameSubject);
            RemoveWhere(other.ChainPolicy.ExtraStore, HasSameSubject);
            other.Build(leaf);
            if (IsTrusted(other)) return true;
        }

        return false;
    }

    private static void RemoveWhere(X509Certificate2Collection certificates, Func<X509Certificate2, bool> isRemoved)
    {
        for (var i = certificates.Count - 1; i >= 0; i--)
        {
            if (isRemoved(certificates[i])) certificates.RemoveAt(i);
        }
    }

    private string Describe(X509ChainStatusFlags flags, X509Certificate2? leaf, X509Chain chain)
    {
        if (flags.HasFlag(X509ChainStatusFlags.NotTimeValid))
        {
            foreach (var element in chain.ChainElements)
            {
                if (!element.ChainElementStatus.Any(status => status.Status.HasFlag(X509ChainStatusFlags.NotTimeValid))) continue;
                var (from, to) = (element.Certificate.NotBefore.ToUniversalTime(), element.Certificate.NotAfter.ToUniversalTime());
                return $"the certificate of {host} is not valid now: '{element.Certificate.Subject}' is valid from "
                    + $"{from:yyyy-MM-dd HH:mm} to {to:yyyy-MM-dd HH:mm} UTC";
            }
        }

        const X509ChainStatusFlags unknown =
            X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.NotSignatureValid;
        if ((flags & unknown) != 0)
        {
            var trusted = input.IsGiven ? $"{input}" : $"the system's authorities (give {input.Name})";
            return $"the certificate of {host} is signed by '{leaf?.Issuer}', which is not among {trusted}";
        }

        return $"the certificate of {host} is rejected: {flags}";
    }

    private static string Names(X509Certificate2? certificate)
    {
        var names = certificate?.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
        return names is null
            ? certificate?.Subject ?? "none"
            : string.Join(", ", names.EnumerateDnsNames().Concat(names.EnumerateIPAddresses().Select(address => address.ToString())));
    }

    private static bool IsSelfSigned(X509Certificate2 certificate) =>
        IsSameName(certificate.SubjectName, certificate.IssuerName);

    private static bool IsSameName(X500DistinguishedName one, X500DistinguishedName other) =>
        one.RawData.AsSpan().SequenceEqual(other.RawData);

    private static bool IsSame(X509Certificate2 one, X509Certificate2 other) =>
        one.RawDataMemory.Span.SequenceEqual(other.RawDataMemory.Span);
}
