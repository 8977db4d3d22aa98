using System.Globalization;
using Flannel.Core;

namespace Flanneld.Observability;

/// <summary>Counts a message that repeats instead of writing it again. The first one is written at once; at the end of a window one line
/// says how often it was repeated. The same message is the same event with the same text. When another state of the same thing is
/// logged (<see cref="RepeatRules"/>), the count is written before it, and the first state is news again. No line is delayed.
/// Thread-safe.</summary>
internal sealed class RepeatFilter : IDisposable
{
    /// <summary>How long repeats are counted before one line summarizes them.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(5);

    /// <summary>The number of messages that are remembered. Beyond it, the oldest one is forgotten and then written again.</summary>
    public const int MaxMessages = 256;

    private static readonly TimeSpan LongestInSeconds = TimeSpan.FromMinutes(2);

    private readonly Action<LogLine> write;
    private readonly TimeProvider time;
    private readonly ITimer timer;
    private readonly Lock gate = new();
    private readonly Dictionary<string, Counted> messages = new(StringComparer.Ordinal);

    public RepeatFilter(Action<LogLine> write, TimeProvider time)
    {
        (this.write, this.time) = (write, time);
        timer = time.CreateTimer(_ => EndWindows(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Write(LogLine line)
    {
        if (!RepeatRules.IsCounted(line))
        {
            write(line);
            return;
        }

        List<LogLine> due = [];
        lock (gate)
        {
            AddEnded(due);
            var key = $"{line.Name} {line.Text}";
            if (messages.TryGetValue(key, out var counted))
            {
                counted.Repeats++;
            }
            else
            {
                Close(StatesBefore(line), due);
                if (messages.Count >= MaxMessages) Close([messages.MinBy(pair => pair.Value.Since).Key], due);
                messages.Add(key, new Counted(line, time.GetTimestamp()));
                due.Add(line);
            }

            ScheduleEnd();
        }

        WriteAll(due);
    }

    /// <summary>Writes the counts that are not written yet. Later messages are written as first ones.</summary>
    public void Flush()
    {
        List<LogLine> due = [];
        lock (gate)
        {
            Close([.. messages.Keys], due);
            ScheduleEnd();
        }

        WriteAll(due);
    }

    /// <summary>Writes the counts that are not written yet.</summary>
    public void Dispose()
    {
        Flush();
        timer.Dispose();
    }

    private void EndWindows()
    {
        List<LogLine> due = [];
        lock (gate)
        {
            AddEnded(due);
            ScheduleEnd();
        }

        WriteAll(due);
    }

    /// <summary>A message that was repeated in its window is counted for another one; another message is forgotten.</summary>
    private void AddEnded(List<LogLine> due)
    {
        foreach (var (key, counted) in messages.Where(pair => time.GetElapsedTime(pair.Value.Since) >= Window).ToList())
        {
            if (counted.Repeats == 0) messages.Remove(key);
            else due.Add(Summarize(counted));
        }
    }

    private List<string> StatesBefore(LogLine line) => RepeatRules.StatesOf(line.Event.Id) is { } states
        ? [.. messages.Where(pair => states.Contains(pair.Value.Line.Event.Id)).Select(pair => pair.Key)]
        : [];

    private void Close(List<string> keys, List<LogLine> due)
    {
        foreach (var key in keys)
        {
            if (!messages.Remove(key, out var counted) || counted.Repeats == 0) continue;
            due.Add(Summarize(counted));
        }
    }

    /// <summary>The line for the repeats so far. They are counted from zero afterwards.</summary>
    private LogLine Summarize(Counted counted)
    {
        var elapsed = time.GetElapsedTime(counted.Since);
        var (count, text) = (counted.Repeats, counted.Line.Text);
        var times = count == 1 ? "once" : string.Create(CultureInfo.InvariantCulture, $"{count} times");
        var summary = counted.Line with { Text = $"{text} (repeated {times} in the last {Describe(elapsed)})", Repeats = count };
        (counted.Repeats, counted.Since) = (0, time.GetTimestamp());
        return summary;
    }

    private static string Describe(TimeSpan elapsed)
    {
        var isShort = elapsed < LongestInSeconds;
        var count = Math.Max(1, (long)Math.Round(isShort ? elapsed.TotalSeconds : elapsed.TotalMinutes));
        var unit = isShort ? "second" : "minute";
        return count == 1 ? unit : string.Create(CultureInfo.InvariantCulture, $"{count} {unit}s");
    }

    private void ScheduleEnd()
    {
        if (messages.Count == 0)
        {
            timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return;
        }

        var left = Window - time.GetElapsedTime(messages.Values.Min(counted => counted.Since));
        timer.Change(TimerRange.Clamp(left), Timeout.InfiniteTimeSpan);
    }

    private void WriteAll(List<LogLine> lines)
    {
        foreach (var line in lines) write(line);
    }

    private sealed class Counted(LogLine line, long since)
    {
        public LogLine Line { get; } = line;

        /// <summary>The timestamp of the first message or of the last summary.</summary>
        public long Since { get; set; } = since;

        public int Repeats { get; set; }
    }
}
