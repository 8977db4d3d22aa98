using Flannel.Core;
using Microsoft.Extensions.Logging;

namespace Flannel.AliCloud;

/// <summary>What the cloud client logs: event ids 3000 to 3499. No parameter here may be a secret, nor hold one.</summary>
/// <remarks>A number, an enum, an address is an <c>object</c> here: the whole way of a line through logging is compiled anew for every combination of
/// value types, 8 KB each.</remarks>
internal static partial class AliCloudLog
{
    [LoggerMessage(3000, LogLevel.Debug, "{Action} answered in {Milliseconds} ms (request {RequestId})")]
    public static partial void CallAnswered(this ILogger logger, string action, object milliseconds, string requestId);

    [LoggerMessage(3001, LogLevel.Information, "{Action} failed after {Milliseconds} ms: {Code} ({Kind}, HTTP {HttpStatus}, request {RequestId}): {Text}")]
    public static partial void CallFailed(
        this ILogger logger, string action, object milliseconds, string code, object kind, object httpStatus, string requestId, string text);

    [LoggerMessage(3002, LogLevel.Warning, "The {Service} API is called at {Endpoint} without TLS, as configured: keys' signatures and answers can be read and changed on the way")]
    public static partial void PlainEndpoint(this ILogger logger, string service, string endpoint);

    [LoggerMessage(3003, LogLevel.Warning, "Alibaba Cloud's clock is {Seconds} s ahead of this machine's (negative: behind). Set the clock (NTP): beyond 900 s requests are refused and repeated with the cloud's time")]
    public static partial void ClockSkew(this ILogger logger, object seconds);

    [LoggerMessage(3004, LogLevel.Information, "The name {Internal} does not resolve; the public host {Public} is used")]
    public static partial void PublicHost(this ILogger logger, string @internal, string @public);

    [LoggerMessage(3100, LogLevel.Debug, "Metadata {Path}: HTTP {HttpStatus}")]
    public static partial void MetadataAnswered(this ILogger logger, string path, object httpStatus);

    [LoggerMessage(3101, LogLevel.Debug, "The metadata service gives no token ({Reason}); plain mode is used")]
    public static partial void MetadataPlain(this ILogger logger, string reason);

    [LoggerMessage(3200, LogLevel.Information, "Credentials: {Provider}")]
    public static partial void CredentialProvider(this ILogger logger, string provider);

    [LoggerMessage(3201, LogLevel.Debug, "New credentials from {Provider}, alive until {Expiration}")]
    public static partial void CredentialsFetched(this ILogger logger, string provider, object? expiration);

    [LoggerMessage(3202, LogLevel.Warning, "New credentials could not be fetched, the old ones are used while they live: {Line}")]
    public static partial void CredentialsKept(this ILogger logger, string line);

    [LoggerMessage(3203, LogLevel.Warning, "The access key file {Path} can be read by every user of this machine; chmod 0600 it")]
    public static partial void KeyFileReadableByAll(this ILogger logger, string path);

    [LoggerMessage(3204, LogLevel.Warning, "AccessKeyID and AccessKeySecret are in the network config, where every node and every reader of etcd sees them; attach a RAM role to the instances instead")]
    public static partial void KeyInBackendConfig(this ILogger logger);
}
