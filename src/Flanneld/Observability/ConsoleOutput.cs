using Flanneld.Host;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace Flanneld.Observability;

/// <summary>Writes lines to standard error, on the thread of the console logger. While standard error is not read (a journald that hangs,
/// a full pipe), lines are counted and dropped: the daemon does not wait for its log. Thread-safe.</summary>
internal sealed class ConsoleOutput : IDisposable
{
    /// <summary>The number of lines that wait for standard error. The queue of the console logger is longer, so that it never
    /// blocks.</summary>
    public const int MaxWaiting = 1000;

    private readonly StandardErrorWriter writer;
    private readonly ConsoleLoggerProvider provider;
    private readonly ILogger console;
    private readonly ILogger droppedLogger;
    private long sent;
    private int dropped;

    public ConsoleOutput(LineFormatter formatter, TextWriter standardError)
    {
        writer = new StandardErrorWriter(standardError);
        var original = Console.Error;
        // The console logger takes it from there.
        Console.SetError(writer);
        // Without a service container, which composes it by reflection (ADR 11).
        provider = new ConsoleLoggerProvider(new ConsoleSettings(formatter.Name), [formatter]);
        Console.SetError(original);
        console = provider.CreateLogger("line");
        droppedLogger = new LineLoggers(new LogLevels(0, isCommand: false), Send).CreateLogger("flanneld");
    }

    public void Write(LogLine line)
    {
        if (Interlocked.Read(ref sent) - writer.Ended >= MaxWaiting)
        {
            Interlocked.Increment(ref dropped);
            return;
        }

        ReportDropped();
        Send(line);
    }

    /// <summary>Waits a moment for the lines that are not written yet.</summary>
    public void Dispose()
    {
        ReportDropped();
        provider.Dispose();
    }

    private void ReportDropped()
    {
        if (Interlocked.Exchange(ref dropped, 0) is > 0 and var count) HostLog.LinesDropped(droppedLogger, count);
    }

    private void Send(LogLine line)
    {
        Interlocked.Increment(ref sent);
        console.Log(line.Level, line.Event, line, line.Exception, static (state, _) => state.Text);
    }

    private sealed class ConsoleSettings(string formatter) : IOptionsMonitor<ConsoleLoggerOptions>
    {
        public ConsoleLoggerOptions CurrentValue { get; } =
            new() { FormatterName = formatter, LogToStandardErrorThreshold = LogLevel.Trace };

        public ConsoleLoggerOptions Get(string? name) => CurrentValue;

        public IDisposable? OnChange(Action<ConsoleLoggerOptions, string?> listener) => null;
    }
}
