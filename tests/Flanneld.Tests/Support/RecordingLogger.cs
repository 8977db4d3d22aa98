using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Flanneld.Tests.Support;

/// <summary>One line of the log.</summary>
internal sealed record LogLine(int EventId, LogLevel Level, string Text);

/// <summary>Keeps the lines of all levels and categories.</summary>
internal sealed class RecordingLogger : ILogger
{
    private readonly ConcurrentQueue<LogLine> lines = [];

    public IReadOnlyList<LogLine> Lines => [.. lines];

    public IEnumerable<string> Texts => Lines.Select(line => line.Text);

    public bool Has(int eventId) => lines.Any(line => line.EventId == eventId);

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        lines.Enqueue(new LogLine(eventId.Id, logLevel, formatter(state, exception)));
}

/// <summary>One logger for all categories.</summary>
internal sealed class RecordingLoggerFactory(RecordingLogger logger) : ILoggerFactory
{
    public ILogger CreateLogger(string categoryName) => logger;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
        // Nothing to dispose of.
    }
}
