using Microsoft.Extensions.Logging;

namespace Flannel.Kubernetes.Client;

/// <summary>Log events of the client of the Kubernetes API: event ids 6000 to 6019. No parameter may be or contain a secret.</summary>
internal static partial class KubeClientLog
{
    [LoggerMessage(6000, LogLevel.Warning, "{Problem}; the former content stays in use")]
    public static partial void FormerContentUsed(this ILogger logger, string problem);

    [LoggerMessage(6001, LogLevel.Information, "credentials of the Kubernetes API changed; opening new connections to {Server}")]
    public static partial void AccessChanged(this ILogger logger, string server);

    [LoggerMessage(6002, LogLevel.Warning,
        "no TLS to the Kubernetes API at {Server}: others can read and change requests and the token; use https://")]
    public static partial void ClearText(this ILogger logger, string server);

    [LoggerMessage(6003, LogLevel.Warning,
        "certificate of the Kubernetes API at {Server} is not validated (insecure-skip-tls-verify): others can read the token; "
        + "give certificate-authority")]
    public static partial void CertificateNotValidated(this ILogger logger, string server);

    /// <param name="level">Debug for the first failure, then warning.</param>
    [LoggerMessage(EventId = 6004, Message = "name of the node not read from pod {Pod}: {Reason}; retrying")]
    public static partial void NodeNameNotRead(this ILogger logger, LogLevel level, object pod, string reason);
}
