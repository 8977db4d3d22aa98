using Microsoft.Extensions.Logging;

namespace Flannel.AliCloud.Credentials;

/// <summary>Log events of the credential providers: event ids 3200 to 3299. No parameter may be or contain a secret.</summary>
internal static partial class CredentialsLog
{
    [LoggerMessage(3200, LogLevel.Information, "using credentials from {Provider}")]
    public static partial void CredentialProvider(this ILogger logger, string provider);

    [LoggerMessage(3201, LogLevel.Debug, "fetched an access key from {Provider}{Expiration}")]
    public static partial void CredentialsFetched(this ILogger logger, string provider, string expiration);

    [LoggerMessage(3202, LogLevel.Warning, "access key not refreshed: {Reason}; the current key is used until it expires")]
    public static partial void CredentialsKept(this ILogger logger, string reason);

    [LoggerMessage(3203, LogLevel.Warning, "access key file {Path} is readable by every user; run chmod 0600 on it")]
    public static partial void KeyFileReadableByAll(this ILogger logger, string path);

    [LoggerMessage(3204, LogLevel.Warning,
        "network config contains AccessKeyID and AccessKeySecret, which every node and every reader of etcd sees; use a RAM role instead")]
    public static partial void KeyInBackendConfig(this ILogger logger);
}
