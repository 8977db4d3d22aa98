using Flanneld.Options;
using Microsoft.Extensions.Logging;

namespace Flanneld.Observability;

/// <summary>The log of the process, on standard error: text, with journal priorities under systemd, or JSON. Messages that repeat are
/// counted. Disposing writes what is not written yet.</summary>
internal sealed class Logging : IDisposable
{
    private readonly ConsoleOutput output;
    private readonly RepeatFilter repeats;

    private Logging(ConsoleOutput output, LogLevels levels, LogMessageCounter counter)
    {
        Levels = levels;
        this.output = output;
        repeats = new RepeatFilter(output.Write, TimeProvider.System);
        Loggers = new LineLoggers(levels, line =>
        {
            counter.Add(line.Level);
            repeats.Write(line);
        });
    }

    public ILoggerFactory Loggers { get; }

    public LogLevels Levels { get; }

    /// <param name="counter">Counts the messages, also those that repeat.</param>
    public static Logging Create(DaemonOptions options, IReadOnlyDictionary<string, string> environment, LogMessageCounter counter)
    {
        var format = options.LogFormat ?? (environment.ContainsKey("JOURNAL_STREAM") ? LogFormat.Systemd : LogFormat.Text);
        var output = new ConsoleOutput(CreateFormatter(format, environment), Console.Error);
        return new Logging(output, new LogLevels(options.Verbosity, options.Command != Command.Run), counter);
    }

    public void Dispose()
    {
        repeats.Dispose();
        output.Dispose();
    }

    private static LineFormatter CreateFormatter(LogFormat format, IReadOnlyDictionary<string, string> environment) => format switch
    {
        LogFormat.Systemd => new SystemdLineFormatter(),
        LogFormat.Json => new JsonLineFormatter(TimeProvider.System),
        _ => new TextLineFormatter(TimeProvider.System, HasColors(environment)),
    };

    /// <summary>Standard error is a terminal that has colors, and NO_COLOR (https://no-color.org) does not forbid them. The console logger
    /// passes colors on only if standard output is a terminal too.</summary>
    private static bool HasColors(IReadOnlyDictionary<string, string> environment) =>
        !Console.IsErrorRedirected && !Console.IsOutputRedirected && string.IsNullOrEmpty(environment.GetValueOrDefault("NO_COLOR"))
        && environment.GetValueOrDefault("TERM") is not (null or "" or "dumb");
}
