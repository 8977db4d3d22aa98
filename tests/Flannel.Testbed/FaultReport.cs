using System.Diagnostics;
using System.Globalization;

namespace Flannel.Testbed;

/// <summary>The measurements of one fault of a cluster. Times count from the fault or from its repair, as the text says.</summary>
public sealed class FaultReport(string fault)
{
    private readonly List<(string What, TimeSpan After)> times = [];
    private long since = Stopwatch.GetTimestamp();

    public string Fault { get; } = fault;

    public IReadOnlyList<(string What, TimeSpan After)> Times => times;

    /// <summary>One line for each node that lost something, ended, or was not ready at some moment.</summary>
    public IReadOnlyList<string> Lost { get; internal set; } = [];

    /// <summary>How often the readiness of all nodes was read during the fault.</summary>
    public int ReadinessRounds { get; internal set; }

    public override string ToString() => string.Join('\n',
    [
        $"{Fault}:",
        .. times.Select(time => string.Create(CultureInfo.InvariantCulture, $"  {time.After.TotalSeconds,6:0.0} s  {time.What}")),
        .. Lost.Select(lost => $"  LOST: {lost}"),
    ]);

    /// <summary>Resets the time from which <see cref="Record"/> counts.</summary>
    internal void StartTimer() => since = Stopwatch.GetTimestamp();

    internal void Record(string what) => times.Add((what, Stopwatch.GetElapsedTime(since)));
}
