using System.Globalization;
using System.Security.Cryptography;

namespace Flannel.AliCloud.Signing;

/// <summary>The signed headers of one RPC-style call: <c>POST /?query</c>, with an empty body or a form.</summary>
public static class RpcSignature
{
    /// <summary>The content type of parameters in the body.</summary>
    public const string FormType = "application/x-www-form-urlencoded";

    /// <param name="host">The value of the header <c>Host</c>: with the port if it is not the default port of the scheme.</param>
    /// <param name="canonicalQuery">From <see cref="Acs3Signer.CanonicalQuery"/>.</param>
    /// <param name="nonce">Unique for every request, including retries.</param>
    /// <param name="contentType">Content type of the body; null without a body. Both are signed.</param>
    /// <returns>All headers to send except <c>Host</c> and <c>Content-Type</c>; <c>Authorization</c> is included.</returns>
    public static IReadOnlyList<KeyValuePair<string, string>> Headers(
        string host, string action, string version, DateTimeOffset date, string nonce, string canonicalQuery, AccessKey key,
        string? contentType = null, ReadOnlySpan<byte> body = default)
    {
        var bodyHash = body.IsEmpty ? Acs3Signer.EmptyBodyHash : Convert.ToHexStringLower(SHA256.HashData(body));
        List<KeyValuePair<string, string>> headers =
        [
            new("x-acs-action", action),
            new("x-acs-version", version),
            new("x-acs-date", Timestamp(date)),
            new("x-acs-signature-nonce", nonce),
            new("x-acs-content-sha256", bodyHash),
        ];
        if (key.SecurityToken is { } token)
        {
            headers.Add(new("x-acs-accesskey-id", key.Id));
            headers.Add(new("x-acs-security-token", token.RevealText()));
        }

        List<KeyValuePair<string, string>> signed = [.. headers, new("host", host)];
        if (contentType is not null) signed.Add(new("content-type", contentType));
        var signature = Acs3Signer.Sign("POST", "/", canonicalQuery, signed, bodyHash, key.Id, key.Secret);
        headers.Add(new("Authorization", signature.Authorization));
        return headers;
    }

    /// <summary>The query of an unsigned call in the older form (V1 parameters without a signature). STS responds in XML unless
    /// <c>Format</c> is JSON.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> UnsignedParameters(
        string action, string version, DateTimeOffset date, string nonce) =>
    [
        new("Action", action),
        new("Version", version),
        new("Format", "JSON"),
        new("Timestamp", Timestamp(date)),
        new("SignatureNonce", nonce),
    ];

    private static string Timestamp(DateTimeOffset date) =>
        date.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
