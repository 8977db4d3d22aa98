using System.Globalization;
using System.Net.Http.Headers;
using System.Text;

namespace Flannel.AliVpc.Api;

/// <summary>Makes classified errors of what the service, the network or we ourselves have to say.</summary>
internal static class CloudErrors
{
    /// <summary>No connection: nothing was sent.</summary>
    public const string Connect = "<connect>";

    /// <summary>No answer in time.</summary>
    public const string Timeout = "<timeout>";

    /// <summary>An answer that is none: cut off, too large, not JSON, without what it must have.</summary>
    public const string Answer = "<answer>";

    /// <summary>Nothing to sign with.</summary>
    public const string Credentials = "<credentials>";

    /// <summary>A request that this program will not send.</summary>
    public const string Request = "<request>";

    private const int LongestMessage = 400;
    private const int LongestCode = 128;
    private const int LongestRequestId = 64;

    /// <summary>A hint beyond this is not believed.</summary>
    private static readonly TimeSpan LongestHint = TimeSpan.FromMinutes(5);

    public static CloudError OfService(
        CloudCall call, string code, string? message, string? requestId, int httpStatus, HttpResponseHeaders? headers)
    {
        var kind = CloudErrorTable.Classify(code, call.Action);
        return new CloudError(
            kind, Line(code, LongestCode), Line(message ?? "", LongestMessage), RequestId(requestId), httpStatus,
            headers is null ? null : RetryAfter(headers), kind == CloudErrorKind.Denied ? call.RamAction : null);
    }

    /// <summary>No connection: the same call may succeed later.</summary>
    public static CloudError NotConnected(string message) => Own(CloudErrorKind.Retry, Connect, message);

    /// <summary>The request went out and its answer did not come: the outcome of a write is not known.</summary>
    public static CloudError NoAnswer(CloudCall call, string code, string message, int httpStatus = 0, string? requestId = null) =>
        Own(call.IsWrite ? CloudErrorKind.Reread : CloudErrorKind.Retry, code, message) with
        {
            HttpStatus = httpStatus,
            RequestId = RequestId(requestId),
        };

    public static CloudError NoCredentials(string line) => Own(CloudErrorKind.RefreshCredentials, Credentials, line);

    public static CloudError BadRequest(string line) => Own(CloudErrorKind.Fatal, Request, line);

    public static string RequestId(string? text) => Line(text ?? "", LongestRequestId);

    /// <summary>The largest <c>TimeLeft</c> (milliseconds) of the two rate-limit headers, as the SDK takes it; else <c>Retry-After</c> in seconds.</summary>
    public static TimeSpan? RetryAfter(HttpResponseHeaders headers)
    {
        long longest = -1;
        foreach (var name in (ReadOnlySpan<string>)["x-ratelimit-user-api", "x-ratelimit-user"])
        {
            if (!headers.TryGetValues(name, out var values)) continue;
            foreach (var value in values) longest = Math.Max(longest, TimeLeft(value));
        }

        if (longest < 0 && headers.RetryAfter?.Delta is { } delta) longest = (long)delta.TotalMilliseconds;
        return longest <= 0 ? null : TimeSpan.FromMilliseconds(Math.Min(longest, LongestHint.TotalMilliseconds));
    }

    /// <returns>Milliseconds; -1 without any.</returns>
    internal static long TimeLeft(string value)
    {
        foreach (var part in value.Split(','))
        {
            var colon = part.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0 || !part.AsSpan(0, colon).Trim().Equals("TimeLeft", StringComparison.OrdinalIgnoreCase)) continue;
            if (long.TryParse(part.AsSpan(colon + 1).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)) return milliseconds;
        }

        return -1;
    }

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
