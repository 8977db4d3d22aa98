using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Flannel.AliCloud.Signing;
using Flannel.Core;

namespace Flannel.AliCloud.Http;

/// <summary>Turns what came over the wire into a value or a classified error. Total: no bytes make it throw.</summary>
internal static class CloudResponseReader
{
    /// <param name="key">What the request was signed with: its secret parts are struck from the service's text. Null for an unsigned call.</param>
    /// <param name="body">Null when it was larger than allowed.</param>
    /// <param name="now">By this machine, where the answer has no <c>Date</c>.</param>
    public static SendResult<T> Read<T>(
        CloudCall call, JsonTypeInfo<T> type, AccessKey? key, HttpResponseMessage response, byte[]? body, DateTimeOffset now)
        where T : CloudResponse
    {
        var status = (int)response.StatusCode;
        var requestId = response.Headers.TryGetValues("x-acs-request-id", out var ids) ? ids.FirstOrDefault() : null;
        if (body is null) return new(CloudErrors.NoAnswer(call, CloudErrorCodes.InvalidResponse, $"HTTP {status} with an answer beyond the limit", status, requestId));
        if (response.IsSuccessStatusCode)
        {
            var value = Parse(body, type);
            return value?.RequestId is { Length: > 0 } id
                ? new(value with { RequestId = CloudErrors.RequestId(id) }, null, response.Headers.Date, false)
                : new(CloudErrors.NoAnswer(call, CloudErrorCodes.InvalidResponse, $"HTTP {status} with an answer that is not the API's", status, requestId));
        }

        var error = Parse(body, CloudResponseJson.Default.ErrorResponse) ?? XmlError.Parse(body);
        var isThrottled = response.StatusCode == HttpStatusCode.TooManyRequests || CloudErrorTable.IsThrottling(error?.Code ?? "");
        var retryAfter = RetryHint.Read(response.Headers, isThrottled, response.Headers.Date ?? now);
        if (string.IsNullOrEmpty(error?.Code))
            return new(CloudErrors.OfStatus(call, response.StatusCode, error?.RequestId ?? requestId, retryAfter));
        // The services quote what they signed themselves in this one answer; a token may be in it.
        var message = error.Code is "SignatureDoesNotMatch" or "IncompleteSignature"
            ? "the signature was refused: the access key's secret is wrong, or a proxy changed the request"
            : Strike(Strike(error.Message ?? "", key), call.Proof);
        return new(null,
            CloudErrors.OfService(call, error.Code, message, error.RequestId ?? requestId, status, retryAfter),
            response.Headers.Date, false);
    }

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

    private static string Strike(string text, AccessKey? key) => Strike(Strike(text, key?.Secret), key?.SecurityToken);

    private static string Strike(string text, Secret? secret) =>
        secret is null || secret.IsEmpty ? text : text.Replace(secret.RevealText(), "***", StringComparison.Ordinal);
}
