using System.Diagnostics;
using System.Globalization;

namespace Flannel.Testbed;

/// <summary>When an event of a fault happened.</summary>
/// <param name="After">The time since the fault or since its repair, as the text says.</param>
public sealed record FaultEvent(string Description, TimeSpan After);

/// <summary>The measurements of one fault of a cluster.</summary>
public sealed class FaultReport(string fault)
{
    private readonly List<FaultEvent> events = [];
    private long since = Stopwatch.GetTimestamp();

    /// <summary>One line for each node that lost something, ended, or was not ready at some moment.</summary>
    public IReadOnlyList<string> Lost { get; internal set; } = [];

    /// <summary>How often the readiness of all nodes was read during the fault.</summary>
    public int ReadinessRounds { get; internal set; }

    public override string ToString() => string.Join('\n',
    [
        $"{fault}:",
        .. events.Select(each => string.Create(CultureInfo.InvariantCulture, $"  {each.After.TotalSeconds,6:0.0} s  {each.Description}")),
        .. Lost.Select(lost => $"  LOST: {lost}"),
    ]);

    /// <summary>Resets the time from which <see cref="Record"/> counts.</summary>
    internal void StartTimer() => since = Stopwatch.GetTimestamp();

    internal void Record(string description) => events.Add(new FaultEvent(description, Stopwatch.GetElapsedTime(since)));
}
