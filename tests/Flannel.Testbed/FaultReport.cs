using System.Diagnostics;
using System.Globalization;

namespace Flannel.Testbed;

/// <summary>What was measured while a cluster went through one fault. Times are from the fault, or from its repair, as the text says.</summary>
public sealed class FaultReport(string fault)
{
    private readonly List<(string What, TimeSpan After)> times = [];
    private long since = Stopwatch.GetTimestamp();

    public string Fault { get; } = fault;

    public IReadOnlyList<(string What, TimeSpan After)> Times => times;

    /// <summary>Nodes that lost something, died, or were not ready for a moment: none, if all is well.</summary>
    public IReadOnlyList<string> Lost { get; internal set; } = [];

    /// <summary>How often each node said that it was ready meanwhile.</summary>
    public int ReadinessRounds { get; internal set; }

    public override string ToString() => string.Join('\n',
        [$"{Fault}:", .. times.Select(time => string.Create(CultureInfo.InvariantCulture, $"  {time.After.TotalSeconds,6:0.0} s  {time.What}")), .. Lost.Select(lost => $"  LOST: {lost}")]);

    /// <summary>The clock begins anew: the fault, or its repair, is now.</summary>
    internal void Begin() => since = Stopwatch.GetTimestamp();

    internal void Reached(string what) => times.Add((what, Stopwatch.GetElapsedTime(since)));
}
