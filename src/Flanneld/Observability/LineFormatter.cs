using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Flanneld.Observability;

/// <summary>The form of a message on standard error. Thread-safe.</summary>
internal abstract class LineFormatter() : ConsoleFormatter("line")
{
    /// <returns>One line with its line feed.</returns>
    public abstract string Format(LogLine line);

    public sealed override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        if (logEntry.State is LogLine line) textWriter.Write(Format(line));
    }
}
