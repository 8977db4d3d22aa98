using System.Globalization;
using Flannel.Testbed;

namespace Flannel.Benchmarks;

/// <summary>All that the issue wants measured, in its order.</summary>
internal sealed class StandardBenchmark(BenchOptions options, TextWriter output)
{
    /// <summary>The Go daemon's figures for so many nodes, from the issue: last ready, crashes, creating calls.</summary>
    private static readonly Dictionary<int, (string LastReady, string Crashes, string Creating)> go = new()
    {
        [20] = ("68 s", "113", "133"),
        [60] = ("88 s", "364", "419"),
    };

    private readonly Report report = new();

    public async Task RunAsync(CancellationToken cancel)
    {
        report.Add("executable", Report.Megabytes(new FileInfo(Locations.Flanneld).Length), "35 MB", "< 17 MB");
        await OneNodeAsync(cancel);
        foreach (var nodes in options.Nodes)
        {
            await ManyNodesAsync(nodes, cancel);
        }
        report.Print(output);
    }

    private async Task OneNodeAsync(CancellationToken cancel)
    {
        var single = new SingleNode(options);
        report.Section($"one node, start to READY=1 (median of {options.Runs})");
        await StartsAsync($"new lease, writes settle in {options.SettleMilliseconds} ms", "5.1 s", "", false, () => single.NewLeaseAsync(options.SettleMilliseconds, cancel));
        await StartsAsync("new lease, writes settle at once", "58 ms", "", false, () => single.NewLeaseAsync(0, cancel));
        await StartsAsync("found lease", "40 ms", "40 ms", true, () => single.FoundLeaseAsync(0, cancel));
        await StartsAsync($"found lease, API calls take {options.LatencyMilliseconds} ms", "215 ms", "40 ms", true, () => single.FoundLeaseAsync(options.LatencyMilliseconds, cancel));

        report.Add("in each of them: start and end of an empty program", Report.Times(await single.OwnShareAsync(cancel)));

        output.WriteLine($"memory, {options.IdleSeconds} s idle …");
        var memory = await single.MemoryAsync(cancel);
        report.Section("resident memory of one node that is the controller too");
        report.Add("after ready", Report.Megabytes(memory.Ready), "30 MB", "< 25 MB");
        report.Add($"after {options.IdleSeconds} s idle", Report.Megabytes(memory.Idle), "", "< 25 MB");
        report.Add("the most it ever was", Report.Megabytes(memory.Peak));
    }

    private async Task StartsAsync(string what, string go, string aim, bool found, Func<Task<IReadOnlyList<SingleNode.Start>>> measure)
    {
        output.WriteLine($"{what} …");
        var starts = await measure();
        report.Add(what, Report.Times([.. starts.Select(start => start.Ready)]), go, aim);
        report.AddCounts("  API calls until then", starts[^1].Api, found ? "7" : "", found ? "0" : "");
        report.AddCounts("  etcd requests until then", starts[^1].Etcd);
    }

    private async Task ManyNodesAsync(int nodes, CancellationToken cancel)
    {
        output.WriteLine($"{nodes} nodes that boot together …");
        var go = StandardBenchmark.go.GetValueOrDefault(nodes, ("", "", ""));
        var result = await ManyNodes.RunAsync(nodes, options.SettleMilliseconds, cancel);
        report.Section($"{nodes} nodes that boot together, writes settle in {options.SettleMilliseconds} ms");
        report.Add("last ready", Report.Time(result.LastReady), go.Item1, nodes == 20 ? "3 s" : "");
        report.Add("half of them ready", Report.Time(result.MedianReady));
        report.Add("crashes", result.Crashes.ToString(CultureInfo.InvariantCulture), go.Item2, "0");
        report.Add("creating calls", result.CreatingCalls.ToString(CultureInfo.InvariantCulture), go.Item3, "");
        report.Add("all route writes", result.RouteWrites.ToString(CultureInfo.InvariantCulture), "", nodes == 20 ? "6" : "");
        report.AddCounts("all API calls", result.Api);
        report.AddCounts("etcd requests", result.Etcd);
    }
}
