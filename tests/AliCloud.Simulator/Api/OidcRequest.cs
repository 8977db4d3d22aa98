using System.Text;

namespace AliCloud.Simulator.Api;

/// <summary>The only unsigned call: a token in its body authenticates the caller. The common parameters are in the query, in the older
/// form, and the parameters of the call are in a form in the body.</summary>
internal sealed record OidcRequest(string? Timestamp, string? Nonce, IReadOnlyDictionary<string, string> Parameters)
{
    public const string Action = "AssumeRoleWithOIDC";

    public static readonly Principal Anonymous = new("", "", "Anonymous", null, []);

    public static bool Is(SignedRequest request) =>
        request.Header("authorization") is null && RawQuery.Parse(request.Query)?.GetValueOrDefault("Action") == Action;

    /// <returns>Null and the reason if it is malformed.</returns>
    public static OidcRequest? Read(SignedRequest request, out ApiError? error)
    {
        var query = RawQuery.Parse(request.Query)!;
        error = request.Method != "POST" ? ApiErrors.Invalid("method", "the token must be in the body")
            : query.GetValueOrDefault("Version") != Actions.ActionTable.StsVersion ? ApiErrors.UnknownVersion
            : query.GetValueOrDefault("Format") != "JSON" ? ApiErrors.Invalid("Format", "without it the response is XML")
            : query.Keys.FirstOrDefault(k => k is not ("Action" or "Version" or "Format" or "Timestamp" or "SignatureNonce")) is { } stray
                ? ApiErrors.Invalid(stray, "it must be in the body")
            : request.Header("content-type") != "application/x-www-form-urlencoded" ? ApiErrors.Invalid(
                "Content-Type", "the body must be a form")
            : null;
        var form = error is null ? RawQuery.Parse(Encoding.UTF8.GetString(request.Body)) : null;
        if (form is null)
        {
            error ??= ApiErrors.Invalid("body", "it is malformed");
            return null;
        }

        return new OidcRequest(query.GetValueOrDefault("Timestamp"), query.GetValueOrDefault("SignatureNonce"), form);
    }

    /// <summary>The parameters for the call log, without the token.</summary>
    public static Dictionary<string, string> Shown(SignedRequest request)
    {
        var form = RawQuery.Parse(Encoding.UTF8.GetString(request.Body)) ?? [];
        form.Remove("OIDCToken");
        return form;
    }
}
