using Microsoft.Extensions.Logging;

namespace Flanneld.Host;

/// <summary>Event ids 1136 to 1139, which are within the range of the node. An id is never reused for another meaning.</summary>
internal static partial class CniLog
{
    [LoggerMessage(1136, LogLevel.Information, "wrote {File}: pods can be created")]
    public static partial void ConflistWritten(ILogger logger, string file);

    [LoggerMessage(1137, LogLevel.Warning, "removed {File}: the subnet may not be used; no pods can be created")]
    public static partial void ConflistRemoved(ILogger logger, string file);

    [LoggerMessage(1138, LogLevel.Error, "{Reason}; retrying")]
    public static partial void ConflistError(ILogger logger, string reason);

    [LoggerMessage(1139, LogLevel.Warning, "{File} is not used: container runtimes read {Other} first; remove that file from every node")]
    public static partial void OtherConfigFirst(ILogger logger, string file, string other);
}
