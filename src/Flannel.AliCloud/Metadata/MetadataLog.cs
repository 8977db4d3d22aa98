using Microsoft.Extensions.Logging;

namespace Flannel.AliCloud.Metadata;

/// <summary>Log events of the metadata service: event ids 3100 to 3199. No parameter may be or contain a secret.</summary>
internal static partial class MetadataLog
{
    [LoggerMessage(3100, LogLevel.Trace, "metadata service returned HTTP {HttpStatus} for {Path}")]
    public static partial void MetadataRead(this ILogger logger, string path, object httpStatus);

    [LoggerMessage(3101, LogLevel.Debug, "metadata service issues no token: {Reason}; using plain mode")]
    public static partial void PlainMode(this ILogger logger, string reason);
}
