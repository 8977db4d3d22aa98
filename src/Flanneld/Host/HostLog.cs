using System.Net;
using Flannel.HostNetwork;
using Microsoft.Extensions.Logging;

namespace Flanneld.Host;

/// <summary>Event ids 1000 to 1099. An id is never reused for another meaning; 1005 was in use before.</summary>
internal static partial class HostLog
{
    [LoggerMessage(
        1000, LogLevel.Information, "flanneld {Version} starts: etcd {Endpoints} prefix {Prefix}, route controller {Controller}")]
    public static partial void Starting(ILogger logger, string version, string endpoints, string prefix, string controller);

    [LoggerMessage(1001, LogLevel.Information, "health server listens on http://{Address}: /healthz /readyz /metrics")]
    public static partial void HealthListening(ILogger logger, EndPoint address);

    [LoggerMessage(1002, LogLevel.Information, "received {Signal}; stopping")]
    public static partial void Stopping(ILogger logger, string signal);

    [LoggerMessage(1003, LogLevel.Information, "stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(1004, LogLevel.Critical, "{Reason}")]
    public static partial void Failed(ILogger logger, string reason);

    [LoggerMessage(1006, LogLevel.Critical, "{Line}")]
    public static partial void InternalError(ILogger logger, string line, Exception exception);

    [LoggerMessage(
        1007, LogLevel.Warning,
        "the etcd password is on the command line, visible to every user of this host and in crash reports; use --etcd-password-file")]
    public static partial void PasswordOnCommandLine(ILogger logger);

    [LoggerMessage(1008, LogLevel.Warning, "{Line}")]
    public static partial void OptionWarning(ILogger logger, string line);

    [LoggerMessage(1009, LogLevel.Warning, "cannot lock the subnet file: {Reason}; a second flanneld on this host would not be detected")]
    public static partial void NotLocked(ILogger logger, string reason);

    [LoggerMessage(1010, LogLevel.Information,
        "SIGHUP ignored: changed files are read without it; restart flanneld to change its flags")]
    public static partial void HangupIgnored(ILogger logger);

    [LoggerMessage(1011, LogLevel.Information, "{Problem}; Docker and CNI may set it later, --set-sysctls sets it now")]
    public static partial void KernelSetting(ILogger logger, SettingProblem problem);

    [LoggerMessage(1012, LogLevel.Information, "{Name} set to {Value}; it was {Before}")]
    public static partial void KernelSettingSet(ILogger logger, string name, string value, string before);

    [LoggerMessage(1013, LogLevel.Warning,
        "the MTU of {Interface} changed from {Before} to {Now} bytes; restart flanneld and the containers to use it")]
    public static partial void MtuChanged(ILogger logger, string @interface, int before, int now);
}
