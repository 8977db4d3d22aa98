using Microsoft.Extensions.Logging;

namespace Flanneld.Observability;

/// <summary>A line for the journal, which adds the time, such as <c>&lt;6&gt;etcd[2001] etcd is available again</c>.</summary>
internal sealed class SystemdLineFormatter : LineFormatter
{
    public override string Format(LogLine line) => $"<{PriorityOf(line.Level)}>{TextLineFormatter.TextOf(line)}\n";

    /// <summary>Of syslog(3): sd-daemon(3) reads it from the begin of a line.</summary>
    private static char PriorityOf(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => '7',
        LogLevel.Information => '6',
        LogLevel.Warning => '4',
        LogLevel.Error => '3',
        _ => '2',
    };
}
