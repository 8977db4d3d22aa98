using System.Security.Cryptography;
using System.Text;
using Flannel.Core;

namespace Flannel.AliCloud.Signing;

/// <summary>The signature ACS3-HMAC-SHA256 of Alibaba Cloud's OpenAPI ("V3"), as a pure function. The tests use the published
/// vectors.</summary>
public static class Acs3Signer
{
    public const string Algorithm = "ACS3-HMAC-SHA256";

    /// <summary>SHA-256 of an empty body in hexadecimal. Most calls carry their parameters in the query.</summary>
    public const string EmptyBodyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    /// <summary>The query as it is signed and sent: sorted by name; every byte except <c>A-Z a-z 0-9 - _ . ~</c> is
    /// percent-encoded.</summary>
    public static string CanonicalQuery(IEnumerable<KeyValuePair<string, string>> parameters) =>
        string.Join('&', parameters.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{Encode(p.Key)}={Encode(p.Value)}"));

    /// <summary>RFC 3986: a space is <c>%20</c>, an asterisk is <c>%2A</c>.</summary>
    public static string Encode(string text) => Uri.EscapeDataString(text);

    /// <param name="headers">The headers to sign: host, content-type if it is sent, and every <c>x-acs-…</c>. The values of equal names are
    /// sorted and joined by a comma.</param>
    /// <param name="bodyHash">Hexadecimal SHA-256 of the body.</param>
    /// <returns>The value of the header <c>Authorization</c>, and the hash of the canonical request, which the server's error message
    /// quotes.</returns>
    public static Acs3Signature Sign(
        string method, string path, string canonicalQuery, IEnumerable<KeyValuePair<string, string>> headers, string bodyHash,
        string accessKeyId, Secret accessKeySecret)
    {
        var canonical = new StringBuilder().Append(method).Append('\n').Append(path).Append('\n').Append(canonicalQuery).Append('\n');
        var names = new StringBuilder();
        var groups = headers
            .OrderBy(h => h.Key, StringComparer.Ordinal)
            .GroupBy(h => h.Key.ToLowerInvariant(), StringComparer.Ordinal)
            .OrderBy(g => g.Key, StringComparer.Ordinal);
        foreach (var header in groups)
        {
            var values = header.Select(h => h.Value.Trim()).Order(StringComparer.Ordinal);
            canonical.Append(header.Key).Append(':').AppendJoin(',', values).Append('\n');
            if (names.Length > 0) names.Append(';');
            names.Append(header.Key);
        }

        canonical.Append('\n').Append(names).Append('\n').Append(bodyHash);
        var hash = Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonical.ToString())));
        var signature = Hex(HMACSHA256.HashData(accessKeySecret.Reveal(), Encoding.UTF8.GetBytes($"{Algorithm}\n{hash}")));
        return new Acs3Signature(hash, $"{Algorithm} Credential={accessKeyId},SignedHeaders={names},Signature={signature}");
    }

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}

/// <param name="CanonicalRequestHash">Hexadecimal SHA-256 of the canonical request.</param>
/// <param name="Authorization">The complete header value.</param>
public readonly record struct Acs3Signature(string CanonicalRequestHash, string Authorization);
