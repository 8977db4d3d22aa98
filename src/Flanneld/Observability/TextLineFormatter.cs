using System.Globalization;
using Flannel.Core;
using Microsoft.Extensions.Logging;

namespace Flanneld.Observability;

/// <summary>A line for people, such as <c>2026-03-04T05:06:07.089Z info: etcd[2001] etcd is available again</c>.</summary>
/// <param name="hasColors">Whether the level has the color of its severity.</param>
internal sealed class TextLineFormatter(TimeProvider time, bool hasColors) : LineFormatter
{
    private const string DarkGreen = "\e[32m";
    private const string Gray = "\e[37m";
    private const string BoldYellow = "\e[1m\e[33m";
    private const string BlackOnRed = "\e[41m\e[30m";
    private const string BoldWhiteOnRed = "\e[41m\e[1m\e[37m";
    private const string Reset = "\e[0m";

    public override string Format(LogLine line)
    {
        var level = hasColors ? ColorOf(line.Level) + NameOf(line.Level) + Reset : NameOf(line.Level);
        return $"{TimestampOf(time)} {level}: {TextOf(line)}\n";
    }

    /// <summary>The event, the message and the exception, on one line.</summary>
    internal static string TextOf(LogLine line)
    {
        var text = $"{line.Name} {PrintableText.Of(line.Text)}";
        return line.Exception is { } exception ? $"{text} {PrintableText.Of(exception.ToString().ReplaceLineEndings(" "))}" : text;
    }

    /// <summary>The time in UTC, such as <c>2026-03-04T05:06:07.089Z</c>.</summary>
    internal static string TimestampOf(TimeProvider time) =>
        time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    // The names of .NET's console logger, which every log has shown so far.
    private static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Trace => "trce",
        LogLevel.Debug => "dbug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "fail",
        _ => "crit",
    };

    private static string ColorOf(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => Gray,
        LogLevel.Information => DarkGreen,
        LogLevel.Warning => BoldYellow,
        LogLevel.Error => BlackOnRed,
        _ => BoldWhiteOnRed,
    };
}
