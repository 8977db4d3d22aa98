using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Flannel.AliCloud.Signing;
using Flannel.Core;

namespace Flannel.AliCloud.Http;

/// <summary>Converts an HTTP response into a value or a classified error. No input makes it throw.</summary>
internal static class CloudResponseReader
{
    /// <param name="key">The key that signed the request: its secret parts are removed from the service's message. Null for an unsigned
    /// call.</param>
    /// <param name="body">Null if it is larger than allowed.</param>
    /// <param name="now">The current time, for a response without <c>Date</c>.</param>
    public static SendResult<T> Read<T>(
        CloudCall call, JsonTypeInfo<T> type, AccessKey? key, HttpResponseMessage response, byte[]? body, DateTimeOffset now)
        where T : CloudResponse
    {
        var status = (int)response.StatusCode;
        var requestId = response.Headers.TryGetValues("x-acs-request-id", out var ids) ? ids.FirstOrDefault() : null;
        if (body is null) return Invalid("with a response that is too large");
        if (response.IsSuccessStatusCode)
        {
            var value = Parse(body, type);
            return value?.RequestId is { Length: > 0 } id
                ? new(value with { RequestId = CloudErrors.RequestId(id) }, null, response.Headers.Date, false)
                : Invalid("without a response of the API");
        }

        var error = Parse(body, HttpJson.Default.ErrorResponse) ?? XmlError.Parse(body);
        var isThrottled = response.StatusCode == HttpStatusCode.TooManyRequests || CloudErrorTable.IsThrottling(error?.Code ?? "");
        var retryAfter = RetryHint.Read(response.Headers, isThrottled, response.Headers.Date ?? now);
        if (string.IsNullOrEmpty(error?.Code))
            return new(CloudErrors.FromStatus(call, response.StatusCode, error?.RequestId ?? requestId, retryAfter));
        // With these codes the services quote the string that they signed, which may contain the security token.
        var message = error.Code is "SignatureDoesNotMatch" or "IncompleteSignature"
            ? "invalid signature: the secret of the access key is wrong, or a proxy changed the request"
            : Redact(Redact(error.Message ?? "", key), call.OidcToken);
        return new(null,
            CloudErrors.FromService(call, error.Code, message, error.RequestId ?? requestId, status, retryAfter),
            response.Headers.Date, false);

        SendResult<T> Invalid(string what) =>
            new(CloudErrors.NoResponse(call, CloudErrorCodes.InvalidResponse, $"HTTP {status} {what}", status, requestId));
    }

    /// <returns>Null if <paramref name="body"/> is not valid JSON of this type.</returns>
    internal static T? Parse<T>(ReadOnlySpan<byte> body, JsonTypeInfo<T> type) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(body, type);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Redact(string text, AccessKey? key) => Redact(Redact(text, key?.Secret), key?.SecurityToken);

    private static string Redact(string text, Secret? secret) =>
        secret is null || secret.IsEmpty ? text : text.Replace(secret.RevealText(), Redaction.Mask, StringComparison.Ordinal);
}
