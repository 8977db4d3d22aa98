using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Api;

/// <summary>The checks of a request before its action and parameters are examined.</summary>
internal sealed class SignatureVerification(Credentials credentials, CloudState state)
{
    public static readonly TimeSpan Skew = TimeSpan.FromMinutes(15);

    private static readonly string[] MandatoryHeaders =
        ["host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"];

    // Nonces are kept for the whole accepted time span. An older request fails because of its date.
    private readonly Dictionary<(string AccessKeyId, string Nonce), DateTimeOffset> _nonces = [];

    /// <summary>Called under the gate of the state.</summary>
    public Verification Verify(SignedRequest request) => request.Rpc is { } rpc ? VerifyRpc(request.Method, rpc) : VerifyAcs3(request);

    private Verification VerifyAcs3(SignedRequest request)
    {
        if (!AuthorizationHeader.TryParse(request.Header("authorization"), out var authorization))
            return Rejection("IncompleteSignature",
                $"The request needs an Authorization header of the form {Acs3.Algorithm} Credential=…,SignedHeaders=…,Signature=….");
        if (MandatoryHeaders.FirstOrDefault(h => string.IsNullOrEmpty(request.Header(h))) is { } missing) return new NotVerified(
            ApiErrors.Missing(missing));
        if (CheckDate(request.Header("x-acs-date")!) is { } late) return new NotVerified(late);

        var secret = credentials.Find(authorization.AccessKeyId, request.Header("x-acs-security-token"), out var principal, out var error);
        if (secret is null || principal is null) return new NotVerified(error!);
        if (request.Header("x-acs-accesskey-id") is { } named && named != authorization.AccessKeyId)
            return Rejection("InvalidAccessKeyId.NotFound", "x-acs-accesskey-id and the credential name different keys.", 404);
        if (CheckSignature(request, authorization, secret) is { } wrong) return new NotVerified(wrong);
        if (!Remember(authorization.AccessKeyId, request.Header("x-acs-signature-nonce")!))
            return Rejection("SignatureNonceUsed", "Specified signature nonce was used already.");
        return new Verified(principal);
    }

    private Verification VerifyRpc(string method, RpcRequest rpc)
    {
        if (RpcRequest.Mandatory.FirstOrDefault(name => rpc[name] is null) is { } missing)
            return new NotVerified(ApiErrors.Missing(missing));
        if (rpc["Format"] != "JSON") return new NotVerified(ApiErrors.Invalid("Format", "without JSON the response is XML"));
        if (rpc["SignatureMethod"] != RpcSignature.Method)
            return new NotVerified(ApiErrors.Invalid("SignatureMethod", RpcSignature.Method));
        if (rpc["SignatureVersion"] != RpcSignature.Version)
            return new NotVerified(ApiErrors.Invalid("SignatureVersion", RpcSignature.Version));
        if (CheckDate(rpc["Timestamp"]!) is { } late) return new NotVerified(late);

        var secret = credentials.Find(rpc["AccessKeyId"]!, rpc["SecurityToken"], out var principal, out var error);
        if (secret is null || principal is null) return new NotVerified(error!);
        var toSign = RpcSignature.StringToSign(method, rpc.Signed);
        var expected = Encoding.ASCII.GetBytes(RpcSignature.Compute(secret, toSign));
        if (!CryptographicOperations.FixedTimeEquals(expected, Encoding.UTF8.GetBytes(rpc[RpcRequest.Signature]!)))
            return Rejection("SignatureDoesNotMatch",
                $"Specified signature is not matched with our calculation. server string to sign is:{toSign}");
        return Remember(rpc["AccessKeyId"]!, rpc["SignatureNonce"]!)
            ? new Verified(principal)
            : Rejection("SignatureNonceUsed", "Specified signature nonce was used already.");
    }

    /// <summary>The remaining checks of an unsigned call. Null if it is valid.</summary>
    public ApiError? Check(string? timestamp, string? nonce)
    {
        if (string.IsNullOrEmpty(timestamp)) return ApiErrors.Missing("Timestamp");
        if (string.IsNullOrEmpty(nonce)) return ApiErrors.Missing("SignatureNonce");
        return CheckDate(timestamp)
            ?? (Remember("", nonce) ? null : new ApiError("SignatureNonceUsed", "Specified signature nonce was used already."));
    }

    private ApiError? CheckDate(string text)
    {
        if (!DateTimeOffset.TryParseExact(text, "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var date))
            return new ApiError("IllegalTimestamp",
                "The input parameter \"Timestamp\" that is mandatory for processing this request is not supplied.");
        return (date - state.Now).Duration() <= Skew ? null : new ApiError(
            "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.");
    }

    private static ApiError? CheckSignature(SignedRequest request, AuthorizationHeader authorization, string secret)
    {
        if (!request.Header("x-acs-content-sha256")!.Equals(Acs3.Hash(request.Body), StringComparison.Ordinal))
            return new ApiError("SignatureDoesNotMatch", "x-acs-content-sha256 is not the hash of the body.");
        var mustBeSigned = request.Headers.Keys.Where(IsToBeSigned).Order(StringComparer.Ordinal);
        if (!authorization.SignedHeaders.SequenceEqual(mustBeSigned, StringComparer.Ordinal))
            return new ApiError("SignatureDoesNotMatch", $"SignedHeaders must be \"{string.Join(';', mustBeSigned)}\".");
        if (RawQuery.Parse(request.Query) is not { } query) return new ApiError("SignatureDoesNotMatch", "The query is malformed.");

        var headers = authorization.SignedHeaders.Select(h => KeyValuePair.Create(h, request.Headers[h]));
        var canonical = Acs3.CanonicalRequest(request.Method, request.Path, query, headers, request.Header("x-acs-content-sha256")!);
        var toSign = Acs3.StringToSign(canonical);
        var expected = Encoding.ASCII.GetBytes(Acs3.Signature(secret, toSign));
        return CryptographicOperations.FixedTimeEquals(expected, Encoding.UTF8.GetBytes(authorization.Signature))
            ? null
            : new ApiError("SignatureDoesNotMatch",
                $"Specified signature does not match our calculation. server StringToSign is [{toSign}], "
                + $"server CanonicalRequest is [{canonical}]");
    }

    private static bool IsToBeSigned(string header) =>
        header is "host" or "content-type" || header.StartsWith("x-acs-", StringComparison.Ordinal);

    private bool Remember(string accessKeyId, string nonce)
    {
        var now = state.Now;
        if (_nonces.Count > 4096)
            foreach (var old in _nonces.Where(n => now - n.Value > 2 * Skew).ToList()) _nonces.Remove(old.Key);
        return _nonces.TryAdd((accessKeyId, nonce), now);
    }

    private static NotVerified Rejection(string code, string message, int status = 400) => new(new ApiError(code, message, status));
}

/// <summary><c>ACS3-HMAC-SHA256 Credential=…,SignedHeaders=…,Signature=…</c>, in this order and without spaces, as documented.</summary>
internal sealed record AuthorizationHeader(string AccessKeyId, IReadOnlyList<string> SignedHeaders, string Signature)
{
    public static bool TryParse(string? text, out AuthorizationHeader header)
    {
        header = null!;
        if (text is null || !text.StartsWith(Acs3.Algorithm + " ", StringComparison.Ordinal)) return false;
        var parts = text[(Acs3.Algorithm.Length + 1)..].Split(',');
        if (parts.Length != 3) return false;
        var credential = Value(parts[0], "Credential=");
        var signedHeaders = Value(parts[1], "SignedHeaders=");
        var signature = Value(parts[2], "Signature=");
        if (credential is null || signedHeaders is null || signature is null) return false;
        header = new AuthorizationHeader(credential, signedHeaders.Split(';'), signature);
        return true;
    }

    private static string? Value(string part, string name) =>
        part.StartsWith(name, StringComparison.Ordinal) && part.Length > name.Length ? part[name.Length..] : null;
}
