using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Flannel.AliCloud.Tests.Support;

public sealed record LogLine(int Id, LogLevel Level, string Text);

/// <summary>Keeps the lines of all levels. Thread-safe. Other test projects use it, too.</summary>
public sealed class RecordingLogger : ILogger
{
    private readonly ConcurrentQueue<LogLine> lines = new();

    public IReadOnlyList<LogLine> Lines => [.. lines];

    public int Count(int id) => lines.Count(line => line.Id == id);

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        lines.Enqueue(new LogLine(eventId.Id, logLevel, formatter(state, exception) + exception));
}
