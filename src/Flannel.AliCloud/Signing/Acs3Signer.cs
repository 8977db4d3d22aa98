using System.Security.Cryptography;
using System.Text;
using Flannel.Core;

namespace Flannel.AliCloud.Signing;

/// <summary>The signature ACS3-HMAC-SHA256 of Alibaba Cloud's OpenAPI ("V3"), as a pure function. Proven by the published vectors.</summary>
public static class Acs3Signer
{
    public const string Algorithm = "ACS3-HMAC-SHA256";

    /// <summary>SHA-256 of an empty body, in hexadecimal: our calls carry their parameters in the query.</summary>
    public const string EmptyBodyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    /// <summary>The query both as it is signed and as it is sent: sorted by name, every byte but <c>A-Z a-z 0-9 - _ . ~</c> percent-encoded.</summary>
    public static string CanonicalQuery(IEnumerable<KeyValuePair<string, string>> parameters) =>
        string.Join('&', parameters.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{Encode(p.Key)}={Encode(p.Value)}"));

    /// <summary>RFC 3986: a space is <c>%20</c> and an asterisk <c>%2A</c>.</summary>
    public static string Encode(string text) => Uri.EscapeDataString(text);

    /// <param name="headers">Those that are signed: host, content-type if sent, and every <c>x-acs-…</c>. Equal names are joined by a comma,
    /// in the order of their spelling.</param>
    /// <param name="bodyHash">Hexadecimal SHA-256 of the body.</param>
    /// <returns>The value of the header <c>Authorization</c>, and the hash of the canonical request for comparison with the server's.</returns>
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
            canonical.Append(header.Key).Append(':').AppendJoin(',', header.Select(h => h.Value.Trim()).Order(StringComparer.Ordinal)).Append('\n');
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
/// <param name="Authorization">The whole header value.</param>
public readonly record struct Acs3Signature(string CanonicalRequestHash, string Authorization);
