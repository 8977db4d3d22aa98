using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Flannel.Kubernetes.Tests.Fixtures;

public sealed record LogLine(int Id, LogLevel Level, string Text);

/// <summary>Keeps the lines that are logged. Thread-safe.</summary>
public sealed class RecordingLogger : ILogger
{
    public ConcurrentQueue<LogLine> Lines { get; } = [];

    public int Count(int id) => Lines.Count(line => line.Id == id);

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Lines.Enqueue(new LogLine(eventId.Id, logLevel, formatter(state, exception) + exception));
}
