using System.Text;
using AliCloud.Simulator.Api.Actions;

namespace AliCloud.Simulator.Api;

/// <summary>The one call that nobody signs, since a token in its body says who asks: the common parameters stand in the query, in the older form, and the
/// call's own in a form.</summary>
internal sealed record OidcRequest(string? Timestamp, string? Nonce, IReadOnlyDictionary<string, string> Parameters)
{
    public const string Action = "AssumeRoleWithOIDC";

    public static readonly Principal Nobody = new("", "", "Anonymous", null, []);

    public static bool Is(SignedRequest request) =>
        request.Header("authorization") is null && RawQuery.Parse(request.Query)?.GetValueOrDefault("Action") == Action;

    /// <returns>Null and what is wrong with its form.</returns>
    public static OidcRequest? Read(SignedRequest request, out Refused? refusal)
    {
        var query = RawQuery.Parse(request.Query)!;
        refusal = request.Method != "POST" ? Refusals.Invalid("method", "the token belongs into a body")
            : query.GetValueOrDefault("Version") != Actions.ActionTable.StsVersion ? Refusals.UnknownVersion
            : query.GetValueOrDefault("Format") != "JSON" ? Refusals.Invalid("Format", "without it the answer is XML, which nobody here reads")
            : query.Keys.FirstOrDefault(k => k is not ("Action" or "Version" or "Format" or "Timestamp" or "SignatureNonce")) is { } stray
                ? Refusals.Invalid(stray, "it belongs into the body")
            : request.Header("content-type") != "application/x-www-form-urlencoded" ? Refusals.Invalid("Content-Type", "the body is a form")
            : null;
        var form = refusal is null ? RawQuery.Parse(Encoding.UTF8.GetString(request.Body)) : null;
        if (form is null)
        {
            refusal ??= Refusals.Invalid("body", "it is malformed");
            return null;
        }

        return new OidcRequest(query.GetValueOrDefault("Timestamp"), query.GetValueOrDefault("SignatureNonce"), form);
    }

    /// <summary>For the log of calls: without the token.</summary>
    public static Dictionary<string, string> Shown(SignedRequest request)
    {
        var form = RawQuery.Parse(Encoding.UTF8.GetString(request.Body)) ?? [];
        form.Remove("OIDCToken");
        return form;
    }
}
