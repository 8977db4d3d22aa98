using Flanneld.Options;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Flanneld.Observability;

/// <summary>Logs to stderr: text, with journal priorities under systemd, or JSON.</summary>
internal static class Logging
{
    /// <param name="counter">Counts the messages.</param>
    public static ILoggerFactory Create(
        DaemonOptions options, IReadOnlyDictionary<string, string> environment, LogMessageCounter counter)
    {
        var format = options.LogFormat ?? (environment.ContainsKey("JOURNAL_STREAM") ? LogFormat.Systemd : LogFormat.Text);
        return LoggerFactory.Create(builder =>
        {
            builder.SetMinimumLevel(options.Verbosity switch
            {
                // A command prints its result; the log would hide it.
                0 when options.Command != Command.Run => LogLevel.Warning,
                0 => LogLevel.Information,
                < 4 => LogLevel.Debug,
                _ => LogLevel.Trace,
            });
            _ = format switch
            {
                LogFormat.Systemd => builder.AddSystemdConsole(o => o.TimestampFormat = null),
                LogFormat.Json => builder.AddJsonConsole(o =>
                {
                    o.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
                    o.UseUtcTimestamp = true;
                }),
                _ => builder.AddSimpleConsole(o =>
                {
                    o.SingleLine = true;
                    o.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
                    o.UseUtcTimestamp = true;
                    // The library regards NO_COLOR, and not that a terminal may have no colors.
                    var isPlain = Console.IsErrorRedirected || environment.GetValueOrDefault("TERM") is null or "" or "dumb";
                    o.ColorBehavior = isPlain ? LoggerColorBehavior.Disabled : LoggerColorBehavior.Default;
                }),
            };
            builder.AddProvider(counter);
            builder.Services.Configure<ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace);
        });
    }
}
