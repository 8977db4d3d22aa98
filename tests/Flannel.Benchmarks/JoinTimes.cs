using System.Globalization;
using Flannel.Testbed;

namespace Flannel.Benchmarks;

/// <summary>The first part of <c>./build.sh bench join</c>: one node that joins, with a cloud that settles at once or not and responds at
/// once or not. The first node of a cluster is elected as route controller; a later one joins a controller that has been idle.</summary>
internal sealed class JoinTimes(BenchOptions options, TextWriter output)
{
    /// <summary>Longer than a route controller writes from what it has read.</summary>
    private static readonly TimeSpan idle = TimeSpan.FromSeconds(4);

    private readonly List<string[]> rows =
        [["WRITE SETTLES IN", "CALL TAKES", "NODE", "MEDIAN", "LEAST", "CALLS IN SEQUENCE", "CALLS", "GO v0.19.2", "RATIO"]];

    /// <summary>One start to READY=1.</summary>
    /// <param name="Sequence">How many calls to the API were made one after another until then.</param>
    /// <param name="Calls">All calls to the API until then.</param>
    private sealed record Join(TimeSpan Ready, int Sequence, int Calls);

    /// <summary>How the cloud responds, and what the Go daemon v0.19.2 took on the same simulated cloud for its first node and each later
    /// one.</summary>
    private sealed record Condition(int SettleMilliseconds, int LatencyMilliseconds, TimeSpan Go)
    {
        public string Settles => $"{SettleMilliseconds} ms";

        public string Takes => $"{LatencyMilliseconds} ms";
    }

    public async Task RunAsync(CancellationToken cancel)
    {
        // Issue 15: 0.04 s to 0.06 s for the first of them.
        Condition[] conditions =
        [
            new(0, 0, TimeSpan.FromMilliseconds(50)),
            new(0, options.LatencyMilliseconds, TimeSpan.FromMilliseconds(250)),
            new(options.SettleMilliseconds, 0, TimeSpan.FromSeconds(5.05)),
            new(options.SettleMilliseconds, options.LatencyMilliseconds, TimeSpan.FromSeconds(5.3)),
        ];
        foreach (var condition in conditions)
        {
            output.WriteLine($"one node joins, a route write settles in {condition.Settles}, a call takes {condition.Takes} …");
            List<Join> first = [], later = [];
            List<TimeSpan> firstOfGo = [], laterOfGo = [];
            for (var run = 0; run < options.Runs; run++)
            {
                await MeasureAsync(condition, first, later, run == options.Runs - 1, cancel);
                // In turns: other work on this machine affects both.
                await MeasureGoAsync(condition, firstOfGo, laterOfGo, cancel);
            }

            Add(condition, "first", first, Median(firstOfGo));
            Add(condition, "joining", later, Median(laterOfGo));
        }

        Table.Print(rows, output);
        output.WriteLine();
        output.WriteLine($"From the start of the process to READY=1, {options.Runs} times.");
        output.WriteLine("Calls in sequence: the most calls to the API of which each began after the one before had been answered.");
        output.WriteLine(GoDaemon.IsAvailable
            ? "GO v0.19.2: the median of as many runs of the executable that GO_FLANNELD names. Ratio: of the two medians."
            : "Ratio: of the median to the Go daemon's figure of an earlier measurement; GO_FLANNELD may name its executable.");
    }

    /// <summary>One run of the Go daemon, or the figure of the condition.</summary>
    private static async Task MeasureGoAsync(Condition condition, List<TimeSpan> first, List<TimeSpan> later, CancellationToken cancel)
    {
        var times = GoDaemon.IsAvailable ? await GoDaemon.MeasureAsync(SetupFor(condition), cancel) : [condition.Go];
        first.Add(times[0]);
        later.Add(times[^1]);
    }

    private static CloudSetup SetupFor(Condition condition) => new()
    {
        Instances = CloudSetup.MakeInstances(2),
        RouteWriteMilliseconds = condition.SettleMilliseconds,
        ApiLatencyMilliseconds = condition.LatencyMilliseconds,
    };

    private async Task MeasureAsync(Condition condition, List<Join> first, List<Join> later, bool isLast, CancellationToken cancel)
    {
        await using var vpc = await LoopbackVpc.StartAsync(SetupFor(condition), cancel);
        await vpc.PublishConfigAsync(cancel);
        first.Add(await StartAsync(vpc, vpc.Instances[0], isLast, cancel));
        await Task.Delay(idle, cancel);
        later.Add(await StartAsync(vpc, vpc.Instances[1], isLast, cancel));
    }

    private async Task<Join> StartAsync(LoopbackVpc vpc, EcsInstance instance, bool isLast, CancellationToken cancel)
    {
        await vpc.Control.ClearCallsAsync(cancel);
        var begin = DateTimeOffset.UtcNow;
        var isTraced = options.HasTimeline && isLast;
        var daemon = await instance.StartDaemonAsync(isTraced ? JoinTimeline.Flags : []);
        var ready = await daemon.WaitForReadyAsync(cancel);
        var readyAt = (await daemon.Notify.Ready).Time;
        var calls = (await vpc.Control.CallsAsync(cancel)).Where(call => call.Time <= readyAt).ToList();
        if (isTraced) JoinTimeline.Print([.. vpc.Instances], calls, begin, readyAt, output);
        List<CloudCall> api = [.. calls.Where(call => call.Service != "metadata")];
        return new Join(ready, SequenceOf(api), api.Count);
    }

    /// <summary>The most calls that do not overlap, by the earliest end.</summary>
    private static int SequenceOf(IEnumerable<CloudCall> calls)
    {
        var (count, end) = (0, DateTimeOffset.MinValue);
        foreach (var call in calls.OrderBy(call => call.Time.AddMilliseconds(call.Milliseconds)))
        {
            if (call.Time < end) continue;
            count++;
            end = call.Time.AddMilliseconds(call.Milliseconds);
        }

        return count;
    }

    private void Add(Condition condition, string node, List<Join> joins, TimeSpan go)
    {
        var median = Median(joins.Select(join => join.Ready));
        rows.Add([
            condition.Settles, condition.Takes, node, Report.Time(median), Report.Time(joins.Min(join => join.Ready)),
            Text(Median(joins.Select(join => join.Sequence))), Text(Median(joins.Select(join => join.Calls))), Report.Time(go),
            (median / go).ToString("0.00", CultureInfo.InvariantCulture)]);
    }

    private static T Median<T>(IEnumerable<T> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
