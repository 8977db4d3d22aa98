using Microsoft.Extensions.Logging;

namespace Flanneld.Observability;

/// <summary>Loggers that pass each message on as a <see cref="LogLine"/>. Thread-safe if <paramref name="write"/> is.</summary>
internal sealed class LineLoggerProvider(Action<LogLine> write) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new LineLogger(categoryName, write);

    public void Dispose()
    {
    }

    private sealed class LineLogger(string category, Action<LogLine> write) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            // Native AOT compiles this method for each type of state: the rest of the path has one type.
            write(new LogLine(
                category, logLevel, eventId, formatter(state, exception), state as IReadOnlyList<KeyValuePair<string, object?>> ?? [],
                exception));
    }
}
