using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Flanneld.Observability;

/// <summary>Which messages are logged at a value of <c>-v</c>. It can be changed while the process runs. Thread-safe.</summary>
/// <param name="isCommand">A command prints its result; the log would hide it.</param>
internal sealed class LogLevels(int verbosity, bool isCommand) : IOptionsMonitor<LoggerFilterOptions>
{
    /// <summary>The category of the plans of the route controller.</summary>
    public const string PlanCategory = "plan";

    private const int Debug = 1;
    private const int Plans = 2;
    private const int Calls = 4;

    private readonly Lock gate = new();
    private Action<LoggerFilterOptions, string?>? changed;
    private volatile LoggerFilterOptions current = CreateFilter(verbosity, isCommand);
    private volatile int verbosity = verbosity;

    /// <summary>The value of <c>-v</c>.</summary>
    public int Verbosity
    {
        get => verbosity;
        set
        {
            lock (gate)
            {
                verbosity = value;
                current = CreateFilter(value, isCommand);
                changed?.Invoke(current, null);
            }
        }
    }

    public LoggerFilterOptions CurrentValue => current;

    public LoggerFilterOptions Get(string? name) => current;

    public IDisposable? OnChange(Action<LoggerFilterOptions, string?> listener)
    {
        changed += listener;
        return null;
    }

    private static LoggerFilterOptions CreateFilter(int verbosity, bool isCommand)
    {
        var filter = new LoggerFilterOptions { MinLevel = LevelOf(verbosity, isCommand) };
        if (verbosity is >= Debug and < Plans)
            filter.Rules.Add(new LoggerFilterRule(null, PlanCategory, LogLevel.Information, null));
        return filter;
    }

    private static LogLevel LevelOf(int verbosity, bool isCommand) => verbosity switch
    {
        < Debug => isCommand ? LogLevel.Warning : LogLevel.Information,
        < Calls => LogLevel.Debug,
        _ => LogLevel.Trace,
    };
}
