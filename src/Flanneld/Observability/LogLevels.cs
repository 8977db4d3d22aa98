using Microsoft.Extensions.Logging;

namespace Flanneld.Observability;

/// <summary>Which messages are logged at a value of <c>-v</c>. It can be changed while the process runs. Thread-safe.</summary>
/// <param name="isCommand">A command prints its result; the log would hide it.</param>
internal sealed class LogLevels(int verbosity, bool isCommand)
{
    /// <summary>The category of the plans of the route controller.</summary>
    public const string PlanCategory = "plan";

    private const int Debug = 1;
    private const int Plans = 2;
    private const int Calls = 4;

    private volatile int verbosity = verbosity;

    /// <summary>The value of <c>-v</c>.</summary>
    public int Verbosity
    {
        get => verbosity;
        set => verbosity = value;
    }

    public bool IsEnabled(string category, LogLevel level) => level != LogLevel.None && level >= LowestOf(category);

    private LogLevel LowestOf(string category) => verbosity switch
    {
        < Debug => isCommand ? LogLevel.Warning : LogLevel.Information,
        < Plans when category == PlanCategory => LogLevel.Information,
        < Calls => LogLevel.Debug,
        _ => LogLevel.Trace,
    };
}
