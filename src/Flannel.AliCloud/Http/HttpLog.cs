using Microsoft.Extensions.Logging;

namespace Flannel.AliCloud.Http;

/// <summary>Log events of calls to the API: event ids 3000 to 3099. No parameter may be or contain a secret.</summary>
/// <remarks>Numbers and enums are passed as <c>object</c>: Native AOT compiles the logging code again for each combination of value types,
/// about 8 KB each.</remarks>
internal static partial class HttpLog
{
    [LoggerMessage(3000, LogLevel.Trace, "{Action} succeeded in {Milliseconds} ms (request {RequestId})")]
    public static partial void CallSucceeded(this ILogger logger, string action, object milliseconds, string requestId);

    /// <param name="level">See <see cref="CallFailures"/>.</param>
    [LoggerMessage(EventId = 3001, Message =
        "{Action} failed after {Milliseconds} ms: {Code} ({Kind}, HTTP {HttpStatus}{Request}): {Text}")]
    public static partial void CallFailed(
        this ILogger logger, LogLevel level, string action, object milliseconds, string code, object kind, object httpStatus,
        string request, string text);

    [LoggerMessage(3002, LogLevel.Warning,
        "{Service} endpoint {Endpoint} is configured without TLS: others can read and change signatures and responses; use https://")]
    public static partial void PlainEndpoint(this ILogger logger, string service, string endpoint);

    [LoggerMessage(3003, LogLevel.Warning,
        "clock of this machine is {Seconds} s {Direction} Alibaba Cloud's; synchronize it with NTP (beyond 900 s, calls are rejected)")]
    public static partial void ClockSkew(this ILogger logger, object seconds, string direction);

    [LoggerMessage(3004, LogLevel.Information, "internal host {Internal} does not resolve; using the public host {Public}")]
    public static partial void PublicHost(this ILogger logger, string @internal, string @public);
}
