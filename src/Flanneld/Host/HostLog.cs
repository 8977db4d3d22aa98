using System.Net;
using Flannel.HostNetwork;
using Microsoft.Extensions.Logging;

namespace Flanneld.Host;

/// <summary>Event ids 1000 to 1099. An id is never reused for another meaning; 1005 and 1010 were in use before. 1030 to 1039 answer a
/// signal (<see cref="Observability.RepeatRules"/>).</summary>
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

    [LoggerMessage(1011, LogLevel.Information, "{Problem}; Docker and CNI may set it later, --set-sysctls sets it now")]
    public static partial void KernelSetting(ILogger logger, SettingProblem problem);

    [LoggerMessage(1012, LogLevel.Information, "{Name} set to {Value}; it was {Before}")]
    public static partial void KernelSettingSet(ILogger logger, string name, string value, string before);

    [LoggerMessage(1013, LogLevel.Warning,
        "the MTU of {Interface} changed from {Before} to {Now} bytes; restart flanneld and the containers to use it")]
    public static partial void MtuChanged(ILogger logger, string @interface, int before, int now);

    [LoggerMessage(
        1014, LogLevel.Information,
        "flanneld {Version} starts: Kubernetes API by {Access}, network configuration {NetConfig}, route controller {Controller}")]
    public static partial void StartingWithKubernetes(
        ILogger logger, string version, string access, string netConfig, string controller);

    [LoggerMessage(1030, LogLevel.Information, "received SIGHUP; reading files and log level again")]
    public static partial void Reloading(ILogger logger);

    [LoggerMessage(1031, LogLevel.Information, "{File} changed; the new content is used from the next connection")]
    public static partial void FileChanged(ILogger logger, string file);

    [LoggerMessage(1032, LogLevel.Warning, "reload: {Problem}")]
    public static partial void ReloadProblem(ILogger logger, string problem);

    [LoggerMessage(1033, LogLevel.Information, "log level changed from -v={Before} to -v={Now}")]
    public static partial void LevelChanged(ILogger logger, object before, object now);

    [LoggerMessage(1034, LogLevel.Warning, "{Change}; restart flanneld to apply it")]
    public static partial void RestartNeeded(ILogger logger, string change);

    [LoggerMessage(1035, LogLevel.Information, "state: {Line}")]
    public static partial void State(ILogger logger, string line);

    [LoggerMessage(1036, LogLevel.Warning, "log lines lost, number {Count}: standard error was not read")]
    public static partial void LinesDropped(ILogger logger, object count);

    [LoggerMessage(1037, LogLevel.Information, "reload finished: {Summary}")]
    public static partial void Reloaded(ILogger logger, string summary);
}
