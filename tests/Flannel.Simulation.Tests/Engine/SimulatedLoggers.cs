using Microsoft.Extensions.Logging;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>Writes the log of one process into the log of the history.</summary>
internal sealed class SimulatedLoggers(Scheduler scheduler, string process) : ILoggerFactory, ILogger
{
    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        scheduler.Note(process, $"{logLevel}: {formatter(state, exception)}");

    public void Dispose()
    {
        // Nothing to dispose.
    }
}
