using Flanneld.Observability.Prometheus;
using Microsoft.Extensions.Logging;

namespace Flanneld.Observability;

/// <summary>Counts the messages that are logged, by level. Thread-safe.</summary>
internal sealed class LogMessageCounter : ILoggerProvider
{
    /// <summary>As in the log.</summary>
    private static readonly string[] Levels =
        [.. Enumerable.Range((int)LogLevel.Trace, (int)LogLevel.Critical + 1).Select(level => JsonLineFormatter.NameOf((LogLevel)level))];

    private readonly CountingLogger logger = new();

    public ILogger CreateLogger(string categoryName) => logger;

    public void Dispose()
    {
    }

    public void AppendTo(MetricText text)
    {
        for (var level = LogLevel.Trace; level <= LogLevel.Critical; level++)
            text.Add(MetricCatalog.LogMessages, logger.CountOf(level), Levels[(int)level]);
    }

    private sealed class CountingLogger : ILogger
    {
        private readonly Counter[] counters = [.. Levels.Select(_ => new Counter())];

        public long CountOf(LogLevel level) => counters[(int)level].Value;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel != LogLevel.None) counters[(int)logLevel].Increment();
        }
    }
}
