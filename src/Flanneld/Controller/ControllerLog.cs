using Microsoft.Extensions.Logging;

namespace Flanneld.Controller;

/// <summary>Event ids 1116 to 1122, which are within the range of the node. An id is never reused for another meaning.</summary>
internal static partial class ControllerLog
{
    [LoggerMessage(1116, LogLevel.Information, "route controller is {Instance} ({PublicIp})")]
    public static partial void CurrentController(ILogger logger, string instance, string publicIp);

    [LoggerMessage(1117, LogLevel.Information, "no route controller; waiting for an election")]
    public static partial void NoController(ILogger logger);

    [LoggerMessage(1118, LogLevel.Warning, "no route controller: {Reason}")]
    public static partial void Vacant(ILogger logger, string reason);

    [LoggerMessage(1119, LogLevel.Information, "this node is a candidate for route controller: access key from {Provider}")]
    public static partial void Candidate(ILogger logger, string provider);

    [LoggerMessage(1120, LogLevel.Information, "elected as route controller")]
    public static partial void Elected(ILogger logger);

    [LoggerMessage(1121, LogLevel.Warning, "this node is not a candidate for route controller: {Reason}")]
    public static partial void NotACandidate(ILogger logger, string reason);

    [LoggerMessage(1122, LogLevel.Information, "term as route controller ended: {Reason}")]
    public static partial void TermEnded(ILogger logger, string reason);
}
