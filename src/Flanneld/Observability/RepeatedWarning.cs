using Microsoft.Extensions.Logging;

namespace Flanneld.Observability;

/// <summary>The level of a warning that another program can cause every few seconds: a warning, and debug while it repeats within a
/// minute. Not thread-safe.</summary>
internal sealed class RepeatedWarning(TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private long? last;

    /// <summary>The level for the warning that is logged now.</summary>
    public LogLevel NextLevel()
    {
        var isRepeated = last is { } before && time.GetElapsedTime(before) < Interval;
        last = time.GetTimestamp();
        return isRepeated ? LogLevel.Debug : LogLevel.Warning;
    }
}
