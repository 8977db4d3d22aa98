using System.Diagnostics;
using System.Globalization;
using Flannel.Testbed;

namespace Flannel.Demo;

/// <summary>Prints numbered steps with their duration, and tables.</summary>
internal sealed class DemoOutput(TextWriter output)
{
    private const int LinesOfLog = 30;

    private int step;
    private int passed;

    public void WriteLine(string line = "") => output.WriteLine(line);

    /// <summary>Runs a step; prints its title before and its duration after it.</summary>
    public async Task StepAsync(string title, Func<Task> run)
    {
        var started = Stopwatch.GetTimestamp();
        output.WriteLine();
        output.WriteLine($"{++step}. {title}");
        await run();
        passed++;
        output.WriteLine($"   [{Seconds(Stopwatch.GetElapsedTime(started))}]");
    }

    /// <summary>Prints the last line in the format of the test verbs of <c>build.sh</c>; a step counts as one test.</summary>
    public void WriteSummary() => output.WriteLine($"{passed} passed, {step - passed} failed");

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

    /// <summary>Prints the end of a daemon's log, after a failure.</summary>
    public void Log(EcsInstance instance)
    {
        if (instance.Daemon is not { } daemon)
        {
            return;
        }
        output.WriteLine($"--- flanneld on {instance.InstanceId}{(daemon.HasExited ? " (ended)" : "")}, last lines:");
        foreach (var line in daemon.StandardError.Split('\n').TakeLast(LinesOfLog))
        {
            output.WriteLine($"    {line}");
        }
    }

    public static string Seconds(TimeSpan time) => time.TotalSeconds < 1
        ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0} ms")
        : string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s");
}
