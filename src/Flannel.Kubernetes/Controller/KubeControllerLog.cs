using Microsoft.Extensions.Logging;

namespace Flannel.Kubernetes.Controller;

/// <summary>The log messages of the election and of what a term writes, events 6200 to 6299. An id is never reused for another
/// meaning.</summary>
internal static partial class KubeControllerLog
{
    [LoggerMessage(6200, LogLevel.Warning, "missing permission in Kubernetes: {Operation}: {Reason}; grant it to the service account")]
    public static partial void MissingPermission(ILogger logger, string operation, string reason);

    [LoggerMessage(6201, LogLevel.Warning, "request rejected by Kubernetes ({Operation}, {Kind}): {Reason}; retrying")]
    public static partial void Rejected(ILogger logger, string operation, object kind, string reason);

    [LoggerMessage(6202, LogLevel.Debug, "elected as route controller by Lease {Name}")]
    public static partial void Elected(ILogger logger, object name);

    [LoggerMessage(6203, LogLevel.Debug, "{Instance} ({PublicIp}) is elected as route controller; waiting")]
    public static partial void Observing(ILogger logger, string instance, string publicIp);

    [LoggerMessage(6204, LogLevel.Warning, "route controller's election lost: {Reason}")]
    public static partial void TermLost(ILogger logger, string reason);

    [LoggerMessage(6205, LogLevel.Information, "resigned as route controller")]
    public static partial void Resigned(ILogger logger);

    [LoggerMessage(6206, LogLevel.Debug, "election not released in Lease {Name}: {Reason}; it expires by itself")]
    public static partial void NotReleased(ILogger logger, object name, string reason);

    [LoggerMessage(6207, LogLevel.Debug, "this node is the standby: when the route controller stops, it is elected within a second")]
    public static partial void BecameStandby(ILogger logger);

    [LoggerMessage(6208, LogLevel.Warning,
        "absent leases not stored: {Bytes} bytes are too many for the annotations of Lease {Name}; the next term counts again")]
    public static partial void AbsentLeasesTooLarge(ILogger logger, object bytes, object name);

    [LoggerMessage(6209, LogLevel.Warning, "route status of node {Node} ignored: it cannot be read")]
    public static partial void UnreadableStatus(ILogger logger, string node);

    [LoggerMessage(6210, LogLevel.Information,
        "election's Lease {Name} was deleted: waiting {Seconds} s until its former holder has given up")]
    public static partial void WaitingForFormerHolder(ILogger logger, object name, object seconds);
}
