using Flanneld.Observability.Prometheus;
using Microsoft.Extensions.Logging;

namespace Flanneld.Observability;

/// <summary>Counts the messages that are logged, by level. Thread-safe.</summary>
internal sealed class LogMessageCounter
{
    /// <summary>As in the log.</summary>
    private static readonly string[] Levels =
        [.. Enumerable.Range((int)LogLevel.Trace, (int)LogLevel.Critical + 1).Select(level => JsonLineFormatter.NameOf((LogLevel)level))];

    private readonly Counter[] counters = [.. Levels.Select(_ => new Counter())];

    public void Add(LogLevel level) => counters[(int)level].Increment();

    public void AppendTo(MetricText text)
    {
        for (var level = LogLevel.Trace; level <= LogLevel.Critical; level++)
            text.Add(MetricCatalog.LogMessages, counters[(int)level].Value, Levels[(int)level]);
    }
}
