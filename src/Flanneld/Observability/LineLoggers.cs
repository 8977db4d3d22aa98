using Microsoft.Extensions.Logging;

namespace Flanneld.Observability;

/// <summary>Loggers that pass each message of an enabled level on as a <see cref="LogLine"/>. Thread-safe if the action is.</summary>
/// <remarks>Native AOT compiles the method <c>Log</c> of each logger for each type of state. Behind this one, the path of a message has one
/// type (ADR 11).</remarks>
internal sealed class LineLoggers(LogLevels levels, Action<LogLine> write) : ILoggerFactory
{
    public ILogger CreateLogger(string categoryName) => new LineLogger(categoryName, levels, write);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("the log has one output");

    public void Dispose()
    {
    }

    private sealed class LineLogger(string category, LogLevels levels, Action<LogLine> write) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => levels.IsEnabled(category, logLevel);

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            var fields = state as IReadOnlyList<KeyValuePair<string, object?>> ?? [];
            write(new LogLine(category, logLevel, eventId, formatter(state, exception), fields, exception));
        }
    }
}
