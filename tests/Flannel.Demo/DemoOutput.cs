using System.Diagnostics;
using System.Globalization;
using Flannel.Testbed;

namespace Flannel.Demo;

/// <summary>How the scenario is printed: numbered chapters with their time, tables with aligned columns.</summary>
internal sealed class DemoOutput(TextWriter output)
{
    private const int LinesOfLog = 30;

    private int step;
    private int passed;

    public void WriteLine(string line = "") => output.WriteLine(line);

    /// <summary>A step: its title first, then what happens in it, at the end how long it took.</summary>
    public async Task StepAsync(string title, Func<Task> tell)
    {
        var started = Stopwatch.GetTimestamp();
        output.WriteLine();
        output.WriteLine($"{++step}. {title}");
        await tell();
        passed++;
        output.WriteLine($"   [{Seconds(Stopwatch.GetElapsedTime(started))}]");
    }

    /// <summary>The last line, as the test verbs of <c>build.sh</c> end: a step counts as one test.</summary>
    public void WriteSummary() => output.WriteLine($"{this.passed} passed, {step - this.passed} failed");

    public void Note(string text) => output.WriteLine($"   {text}");

    public void Table(IReadOnlyList<string> head, IEnumerable<IReadOnlyList<string>> rows)
    {
        List<IReadOnlyList<string>> all = [head, .. rows];
        var widths = head.Select((_, column) => all.Max(row => row[column].Length)).ToArray();
        foreach (var row in all)
        {
            output.WriteLine(("     " + string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column])))).TrimEnd());
        }
    }

    /// <summary>The end of what a daemon logged, for the reader of a broken promise.</summary>
    public void Log(EcsInstance instance)
    {
        if (instance.Daemon is not { } daemon)
        {
            return;
        }
        output.WriteLine($"--- flanneld on {instance.InstanceId}{(daemon.HasExited ? " (ended)" : "")}, its last lines:");
        foreach (var line in daemon.StandardError.Split('\n').TakeLast(LinesOfLog))
        {
            output.WriteLine($"    {line}");
        }
    }

    public static string Seconds(TimeSpan time) => time.TotalSeconds < 1
        ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0} ms")
        : string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s");
}
