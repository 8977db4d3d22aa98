using System.Globalization;
using Flannel.AliVpc.Credentials;

namespace Flannel.AliVpc.Signing;

/// <summary>The signed headers of one RPC-style call: <c>POST /?query</c> with an empty body.</summary>
public static class RpcSignature
{
    /// <param name="host">As it is sent in <c>Host</c>: with its port when that is not the scheme's own.</param>
    /// <param name="canonicalQuery">From <see cref="Acs3Signer.CanonicalQuery"/>.</param>
    /// <param name="nonce">Unique for every request, a repetition included.</param>
    /// <returns>Every header to send but <c>Host</c>, <c>Authorization</c> among them.</returns>
    public static IReadOnlyList<KeyValuePair<string, string>> Headers(
        string host, string action, string version, DateTimeOffset date, string nonce, string canonicalQuery, AccessKey key)
    {
        List<KeyValuePair<string, string>> headers =
        [
            new("x-acs-action", action),
            new("x-acs-version", version),
            new("x-acs-date", Timestamp(date)),
            new("x-acs-signature-nonce", nonce),
            new("x-acs-content-sha256", Acs3Signer.EmptyBodyHash),
        ];
        if (key.SecurityToken is { } token)
        {
            headers.Add(new("x-acs-accesskey-id", key.Id));
            headers.Add(new("x-acs-security-token", token.RevealText()));
        }

        var signature = Acs3Signer.Sign(
            "POST", "/", canonicalQuery, headers.Append(new("host", host)), Acs3Signer.EmptyBodyHash, key.Id, key.Secret);
        headers.Add(new("Authorization", signature.Authorization));
        return headers;
    }

    /// <summary>The query of a call that nobody signs, in the older form: STS still answers in XML unless asked otherwise there.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> UnsignedParameters(string action, string version, DateTimeOffset date, string nonce) =>
    [
        new("Action", action),
        new("Version", version),
        new("Format", "JSON"),
        new("Timestamp", Timestamp(date)),
        new("SignatureNonce", nonce),
    ];

    private static string Timestamp(DateTimeOffset date) => date.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
