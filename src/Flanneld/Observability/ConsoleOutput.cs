using Flannel.Core;
using Flanneld.Host;
using Flanneld.Options;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Flanneld.Observability;

/// <summary>Writes lines to standard error, on the thread of the console logger. While standard error is not read (a journald that hangs,
/// a full pipe), lines are counted and dropped: the daemon does not wait for its log. Thread-safe.</summary>
internal sealed class ConsoleOutput : IDisposable
{
    /// <summary>The number of lines that wait for standard error. The queue of the console logger is longer, so that it never
    /// blocks.</summary>
    public const int MaxWaiting = 1000;

    private readonly TextWriter standardError = Console.Error;
    private readonly StandardErrorWriter writer;
    private readonly ServiceProvider services;
    private readonly ILoggerProvider console;
    private readonly ILogger droppedLogger;
    private long sent;
    private int dropped;

    /// <param name="mayColor">Whether levels of the format text have colors.</param>
    public ConsoleOutput(LogFormat format, bool mayColor, TimeProvider time)
    {
        writer = new StandardErrorWriter(standardError);
        // The console logger takes it from there.
        Console.SetError(writer);
        services = new ServiceCollection().AddLogging(builder => Configure(builder, format, mayColor, time)).BuildServiceProvider();
        console = services.GetRequiredService<ILoggerProvider>();
        droppedLogger = new LineLoggerProvider(Send).CreateLogger("flanneld");
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
        services.Dispose();
        Console.SetError(standardError);
    }

    private void ReportDropped()
    {
        if (Interlocked.Exchange(ref dropped, 0) is > 0 and var count) HostLog.LinesDropped(droppedLogger, count);
    }

    private void Send(LogLine line)
    {
        Interlocked.Increment(ref sent);
        // The format JSON escapes them itself.
        console.CreateLogger(line.Category).Log(
            line.Level, line.Event, line, line.Exception, static (state, _) => PrintableText.Of(state.Text));
    }

    private static void Configure(ILoggingBuilder builder, LogFormat format, bool mayColor, TimeProvider time)
    {
        switch (format)
        {
            case LogFormat.Systemd:
                builder.AddSystemdConsole(o => o.TimestampFormat = null);
                break;
            case LogFormat.Json:
                builder.AddConsole(o => o.FormatterName = JsonLineFormatter.FormatterName);
                builder.Services.AddSingleton<ConsoleFormatter>(new JsonLineFormatter(time));
                break;
            default:
                builder.AddSimpleConsole(o =>
                {
                    o.SingleLine = true;
                    o.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
                    o.UseUtcTimestamp = true;
                    o.ColorBehavior = mayColor ? LoggerColorBehavior.Default : LoggerColorBehavior.Disabled;
                });
                break;
        }

        builder.Services.Configure<ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace);
    }
}
