using System.Security.Cryptography;
using System.Text;

namespace AliCloud.Simulator.Api;

/// <summary>The signature ACS3-HMAC-SHA256 as the public V3 page describes it. It is a second implementation, independent of
/// <c>src</c>.</summary>
internal static class Acs3
{
    public const string Algorithm = "ACS3-HMAC-SHA256";

    public static string CanonicalRequest(
        string method, string path, IEnumerable<KeyValuePair<string, string>> query, IEnumerable<KeyValuePair<string,
            string>> signedHeaders,
        string payloadHash)
    {
        var text = new StringBuilder().Append(method).Append('\n').Append(path).Append('\n').Append(CanonicalQuery(query)).Append('\n');
        foreach (var (name, value) in signedHeaders) text.Append(name).Append(':').Append(value.Trim()).Append('\n');
        text.Append('\n').AppendJoin(';', signedHeaders.Select(h => h.Key)).Append('\n').Append(payloadHash);
        return text.ToString();
    }

    public static string StringToSign(string canonicalRequest) => Algorithm + "\n" + Hash(Encoding.UTF8.GetBytes(canonicalRequest));

    public static string Signature(string secret, string stringToSign) =>
        Hex(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(stringToSign)));

    public static string Hash(ReadOnlySpan<byte> data) => Hex(SHA256.HashData(data));

    /// <summary>The sorted and encoded parameters.</summary>
    public static string CanonicalQuery(IEnumerable<KeyValuePair<string, string>> query) => string.Join('&', query
        .Select(p => (Name: Encode(p.Key), Value: Encode(p.Value)))
        .OrderBy(p => p.Name, StringComparer.Ordinal)
        .Select(p => p.Name + "=" + p.Value));

    // RFC 3986 in UTF-8: letters, digits and -_.~ are not encoded; all other bytes are %XX in upper case.
    public static string Encode(string text)
    {
        var encoded = new StringBuilder(text.Length);
        foreach (var b in Encoding.UTF8.GetBytes(text))
        {
            if (char.IsAsciiLetterOrDigit((char)b) || b is (byte)'-' or (byte)'_' or (byte)'.' or (byte)'~') encoded.Append((char)b);
            else encoded.Append('%').Append(b.ToString("X2", null));
        }

        return encoded.ToString();
    }

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
