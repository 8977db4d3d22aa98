using Microsoft.Extensions.Logging;

namespace Flannel.Etcd;

/// <summary>All that this assembly says: ids 2000 to 2999. One line per change of state; what repeats itself is Debug.</summary>
internal static partial class EtcdLog
{
    [LoggerMessage(2000, LogLevel.Warning, "etcd does not answer: {Reason}. Trying on.")]
    public static partial void Unreachable(ILogger logger, string reason);

    [LoggerMessage(2001, LogLevel.Information, "etcd answers again: {Endpoint}, after {Seconds:F1} s")]
    public static partial void Reachable(ILogger logger, string endpoint, double seconds);

    [LoggerMessage(2002, LogLevel.Debug, "etcd: {Reason}")]
    public static partial void MemberFailed(ILogger logger, string reason);

    [LoggerMessage(2003, LogLevel.Warning, "etcd endpoint {Endpoint} is http: leases and passwords cross the network in clear text")]
    public static partial void ClearText(ILogger logger, string endpoint);

    [LoggerMessage(2004, LogLevel.Warning, "etcd refuses ({Kind}): {Reason}. Trying on.")]
    public static partial void Refused(ILogger logger, EtcdErrorKind kind, string reason);
}
