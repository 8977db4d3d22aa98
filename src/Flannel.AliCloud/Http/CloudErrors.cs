using System.Net;
using System.Text;

namespace Flannel.AliCloud.Http;

/// <summary>Makes classified errors of what the service, the network or we ourselves have to say.</summary>
internal static class CloudErrors
{
    private const int LongestMessage = 400;
    private const int LongestCode = 128;
    private const int LongestRequestId = 64;

    public static CloudError OfService(
        CloudCall call, string code, string? message, string? requestId, int httpStatus, TimeSpan? retryAfter = null)
    {
        var kind = CloudErrorTable.Classify(code, call.Action);
        return new CloudError(
            kind, Line(code, LongestCode), Line(message ?? "", LongestMessage), RequestId(requestId), httpStatus,
            retryAfter, kind == CloudErrorKind.Denied ? call.RamAction : null);
    }

    /// <summary>No connection: the same call may succeed later.</summary>
    public static CloudError NotConnected(string message) => Own(CloudErrorKind.Retry, CloudErrorCodes.Connect, message);

    /// <summary>The request went out and its answer did not come: the outcome of a write is not known.</summary>
    public static CloudError NoAnswer(CloudCall call, string code, string message, int httpStatus = 0, string? requestId = null) =>
        Own(call.IsWrite ? CloudErrorKind.Reread : CloudErrorKind.Retry, code, message) with
        {
            HttpStatus = httpStatus,
            RequestId = RequestId(requestId),
        };

    /// <summary>An HTTP error without the API's own description: only its status tells what it means.</summary>
    public static CloudError OfStatus(CloudCall call, HttpStatusCode status, string? requestId, TimeSpan? retryAfter)
    {
        var error = status switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => Own(
                CloudErrorKind.Denied, CloudErrorCodes.Forbidden, $"HTTP {(int)status} without a code of the API: a proxy or a firewall refuses the call"),
            HttpStatusCode.TooManyRequests => Own(CloudErrorKind.Retry, CloudErrorCodes.TooManyRequests, "HTTP 429 without a code of the API"),
            _ => NoAnswer(call, CloudErrorCodes.InvalidResponse, $"HTTP {(int)status} without a code"),
        };
        return error with { HttpStatus = (int)status, RequestId = RequestId(requestId), RetryAfter = retryAfter };
    }

    public static CloudError NoCredentials(string line) => Own(CloudErrorKind.RefreshCredentials, CloudErrorCodes.NoCredentials, line);

    public static CloudError BadRequest(string line) => Own(CloudErrorKind.Fatal, CloudErrorCodes.InvalidRequest, line);

    public static string RequestId(string? text) => Line(text ?? "", LongestRequestId);

    /// <summary>One line for people: no control characters, bounded.</summary>
    internal static string Line(string text, int longest)
    {
        var line = new StringBuilder(Math.Min(text.Length, longest));
        foreach (var c in text)
        {
            if (line.Length == longest) break;
            line.Append(char.IsControl(c) || char.IsSurrogate(c) || c is '\u2028' or '\u2029' ? ' ' : c);
        }

        return line.ToString().Trim();
    }

    private static CloudError Own(CloudErrorKind kind, string code, string message) =>
        new(kind, code, Line(message, LongestMessage), "", 0, null, null);
}
