using System.Net;
using System.Text;

namespace Flannel.AliCloud.Http;

/// <summary>Creates classified errors from responses, from failures of the network and from invalid requests.</summary>
internal static class CloudErrors
{
    private const int MaxMessageLength = 400;
    private const int MaxCodeLength = 128;
    private const int MaxRequestIdLength = 64;

    public static CloudError FromService(
        CloudCall call, string code, string? message, string? requestId, int httpStatus, TimeSpan? retryAfter = null)
    {
        var kind = CloudErrorTable.Classify(code, call.Action);
        return new CloudError(
            kind, OneLine(code, MaxCodeLength), OneLine(message ?? "", MaxMessageLength), RequestId(requestId), httpStatus,
            retryAfter, kind == CloudErrorKind.Denied ? call.RamAction : null);
    }

    /// <summary>No connection: nothing was sent.</summary>
    public static CloudError NotConnected(string message) => Create(CloudErrorKind.Retry, CloudErrorCodes.Connect, message);

    /// <summary>The request was sent and has no usable response: the outcome of a write is unknown.</summary>
    public static CloudError NoResponse(CloudCall call, string code, string message, int httpStatus = 0, string? requestId = null) =>
        Create(call.IsWrite ? CloudErrorKind.Reread : CloudErrorKind.Retry, code, message) with
        {
            HttpStatus = httpStatus,
            RequestId = RequestId(requestId),
        };

    /// <summary>The response lacks a required part.</summary>
    public static CloudError Incomplete(CloudCall call, string requestId, string missing) => NoResponse(
        call, CloudErrorCodes.InvalidResponse, $"response of {call.Action} without {missing}", (int)HttpStatusCode.OK, requestId);

    /// <summary>An HTTP error without a code of the API: only the status tells its meaning.</summary>
    public static CloudError FromStatus(CloudCall call, HttpStatusCode status, string? requestId, TimeSpan? retryAfter)
    {
        var text = $"HTTP {(int)status} without a code of the API";
        var error = status switch
        {
            HttpStatusCode.Unauthorized => Create(CloudErrorKind.Denied, CloudErrorCodes.Unauthorized, text),
            HttpStatusCode.Forbidden => Create(CloudErrorKind.Denied, CloudErrorCodes.Forbidden, text),
            HttpStatusCode.TooManyRequests => Create(CloudErrorKind.Retry, CloudErrorCodes.TooManyRequests, text),
            _ => NoResponse(call, CloudErrorCodes.InvalidResponse, text),
        };
        return error with { HttpStatus = (int)status, RequestId = RequestId(requestId), RetryAfter = retryAfter };
    }

    public static CloudError NoCredentials(string reason) =>
        Create(CloudErrorKind.RefreshCredentials, CloudErrorCodes.NoCredentials, reason);

    public static CloudError InvalidRequest(string reason) =>
        Create(CloudErrorKind.Fatal, CloudErrorCodes.InvalidRequest, reason);

    public static string RequestId(string? text) => OneLine(text ?? "", MaxRequestIdLength);

    /// <summary>Replaces control characters by spaces and shortens the text.</summary>
    internal static string OneLine(string text, int maxLength)
    {
        var line = new StringBuilder(Math.Min(text.Length, maxLength));
        foreach (var c in text)
        {
            if (line.Length == maxLength) break;
            line.Append(char.IsControl(c) || char.IsSurrogate(c) || c is '\u2028' or '\u2029' ? ' ' : c);
        }

        return line.ToString().Trim();
    }

    private static CloudError Create(CloudErrorKind kind, string code, string message) =>
        new(kind, code, OneLine(message, MaxMessageLength), "", 0, null, null);
}
