using Flanneld.Options;
using Microsoft.Extensions.Logging;

namespace Flanneld.Observability;

/// <summary>The log of the process, on standard error: text, with journal priorities under systemd, or JSON. Messages that repeat are
/// counted. Disposing writes what is not written yet.</summary>
internal sealed class Logging : IDisposable
{
    private readonly ConsoleOutput output;
    private readonly RepeatFilter repeats;
    private readonly LoggerFactory factory;

    private Logging(ConsoleOutput output, LogLevels levels, LogMessageCounter counter)
    {
        Levels = levels;
        this.output = output;
        repeats = new RepeatFilter(output.Write, TimeProvider.System);
        factory = new LoggerFactory([new LineLoggerProvider(repeats.Write), counter], levels);
    }

    public ILoggerFactory Loggers => factory;

    public LogLevels Levels { get; }

    /// <param name="counter">Counts the messages, also those that repeat.</param>
    public static Logging Create(DaemonOptions options, IReadOnlyDictionary<string, string> environment, LogMessageCounter counter)
    {
        var format = options.LogFormat ?? (environment.ContainsKey("JOURNAL_STREAM") ? LogFormat.Systemd : LogFormat.Text);
        // The library regards NO_COLOR, and not that a terminal may have no colors.
        var mayColor = !Console.IsErrorRedirected && environment.GetValueOrDefault("TERM") is not (null or "" or "dumb");
        var output = new ConsoleOutput(format, mayColor, TimeProvider.System);
        return new Logging(output, new LogLevels(options.Verbosity, options.Command != Command.Run), counter);
    }

    public void Dispose()
    {
        factory.Dispose();
        repeats.Dispose();
        output.Dispose();
    }
}
