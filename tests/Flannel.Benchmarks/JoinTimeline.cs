using System.Globalization;
using System.Text.Json;
using Flannel.Testbed;

namespace Flannel.Benchmarks;

/// <summary>Where the time of one join went: the log of all daemons and the calls that the simulated cloud received, in the order of
/// time.</summary>
internal static class JoinTimeline
{
    /// <summary>Every call, with the time of each line.</summary>
    public static readonly string[] Flags = ["--log-format=json", "-v=4"];

    private sealed record Moment(DateTimeOffset At, string Source, string Text);

    /// <param name="calls">Until <paramref name="ready"/>.</param>
    public static void Print(
        IReadOnlyList<EcsInstance> instances, IEnumerable<CloudCall> calls, DateTimeOffset begin, DateTimeOffset ready, TextWriter output)
    {
        List<Moment> moments = [new Moment(ready, "node", "READY=1")];
        foreach (var instance in instances)
            moments.AddRange((instance.Daemon?.StandardError ?? "").Split('\n').Select(line => Read(instance, line)).OfType<Moment>());
        moments.AddRange(calls.Select(call => new Moment(call.Time, "cloud", string.Create(
            CultureInfo.InvariantCulture, $"{call.InstanceId} {call.Action} {call.Milliseconds:0} ms {call.Code}"))));
        output.WriteLine();
        foreach (var moment in moments.Where(moment => moment.At >= begin && moment.At <= ready).OrderBy(moment => moment.At))
        {
            var elapsed = (moment.At - begin).TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture);
            output.WriteLine($"{elapsed,6} ms  {moment.Source,-12}  {moment.Text.TrimEnd()}");
        }

        output.WriteLine();
    }

    /// <returns>Null for a line that is not of the log, or not of interest.</returns>
    private static Moment? Read(EcsInstance instance, string line)
    {
        if (!line.StartsWith('{')) return null;
        try
        {
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            // The cloud's own line says when the call arrived.
            var text = root.GetProperty("msg").GetString() ?? "";
            if (text.StartsWith("metadata service returned", StringComparison.Ordinal)) return null;
            return new Moment(
                root.GetProperty("time").GetDateTimeOffset(), instance.InstanceId[^6..],
                $"{root.GetProperty("category").GetString()}: {text}");
        }
        catch (JsonException)
        {
            // The last line is incomplete.
            return null;
        }
    }
}
