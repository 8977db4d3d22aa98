using System.Globalization;
using Flannel.Testbed;

namespace Flannel.Benchmarks;

/// <summary><c>./build.sh bench</c>: size, start-up, memory, API calls, and nodes that start at the same time.</summary>
internal sealed class StandardBenchmark(BenchOptions options, TextWriter output)
{
    /// <summary>The figures of flannel v0.19.2 by number of nodes.</summary>
    private static readonly Dictionary<int, UpstreamFigures> upstreamByNodes = new()
    {
        [20] = new("68 s", "113", "133"),
        [60] = new("88 s", "364", "419"),
    };

    private readonly Report report = Report.WithTargets();

    /// <param name="CreatingCalls">Calls that create routes.</param>
    private sealed record UpstreamFigures(string LastReady, string Crashes, string CreatingCalls);

    public async Task RunAsync(CancellationToken cancel)
    {
        report.Add("executable", Report.Megabytes(new FileInfo(Locations.Flanneld).Length), "35 MB", "< 18 MB");
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
        await StartsAsync($"new lease, writes settle in {options.SettleMilliseconds} ms", "5.1 s", "", false,
            () => single.NewLeaseAsync(options.SettleMilliseconds, cancel));
        await StartsAsync("new lease, writes settle at once", "58 ms", "", false, () => single.NewLeaseAsync(0, cancel));
        await StartsAsync("existing lease", "40 ms", "40 ms", true, () => single.FoundLeaseAsync(0, cancel));
        await StartsAsync($"existing lease, API calls take {options.LatencyMilliseconds} ms", "215 ms", "40 ms", true,
            () => single.FoundLeaseAsync(options.LatencyMilliseconds, cancel));

        report.Add("included in each: start and exit of an empty program", Report.Times(await single.WrapperTimeAsync(cancel)));

        output.WriteLine($"memory, {options.IdleSeconds} s idle …");
        var memory = await single.MemoryAsync(cancel);
        report.Section("resident memory of one node that is route controller");
        memory.AddTo(report, options.IdleSeconds);
    }

    private async Task StartsAsync(
        string title, string upstream, string target, bool hasLease, Func<Task<IReadOnlyList<SingleNode.Start>>> measure)
    {
        output.WriteLine($"{title} …");
        var starts = await measure();
        report.Add(title, Report.Times([.. starts.Select(start => start.Ready)]), upstream, target);
        report.AddCounts("  API calls until READY=1", starts[^1].Api, hasLease ? "7" : "", hasLease ? "0" : "");
        report.AddCounts("  etcd requests until READY=1", starts[^1].Etcd);
    }

    private async Task ManyNodesAsync(int nodes, CancellationToken cancel)
    {
        output.WriteLine($"{nodes} nodes that start at the same time …");
        var upstream = upstreamByNodes.GetValueOrDefault(nodes, new("", "", ""));
        var result = await ManyNodes.RunAsync(nodes, options.SettleMilliseconds, cancel);
        report.Section($"{nodes} nodes that start at the same time, writes settle in {options.SettleMilliseconds} ms");
        report.Add("last ready", Report.Time(result.LastReady), upstream.LastReady, nodes == 20 ? "3 s" : "");
        report.Add("median ready", Report.Time(result.MedianReady));
        report.Add("crashes", result.Crashes.ToString(CultureInfo.InvariantCulture), upstream.Crashes, "0");
        report.Add("calls that create routes", result.CreatingCalls.ToString(CultureInfo.InvariantCulture), upstream.CreatingCalls, "");
        report.Add("all route writes", result.RouteWrites.ToString(CultureInfo.InvariantCulture), "", nodes == 20 ? "6" : "");
        report.AddCounts("all API calls", result.Api);
        report.AddCounts("etcd requests", result.Etcd);
    }
}
