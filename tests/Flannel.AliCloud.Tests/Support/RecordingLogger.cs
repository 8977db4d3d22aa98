using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Flannel.AliCloud.Tests.Support;

/// <summary>Keeps the lines of all levels.</summary>
internal sealed class RecordingLogger : ILogger
{
    private readonly ConcurrentQueue<LogLine> lines = new();

    public IReadOnlyList<LogLine> Lines => [.. lines];

    public int Count(int id) => lines.Count(l => l.Id == id);

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        lines.Enqueue(new LogLine(logLevel, eventId.Id, $"{formatter(state, exception)} {exception}"));
}

internal sealed record LogLine(LogLevel Level, int Id, string Text);
