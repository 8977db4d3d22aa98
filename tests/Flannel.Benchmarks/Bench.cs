using System.Globalization;
using Flannel.Testbed;

namespace Flannel.Benchmarks;

/// <summary>All that the issue wants measured, in its order.</summary>
internal sealed class Bench(BenchOptions options, TextWriter output)
{
    /// <summary>The Go daemon's figures for so many nodes, from the issue: last ready, crashes, creating calls.</summary>
    private static readonly Dictionary<int, (string LastReady, string Crashes, string Creating)> s_go = new()
    {
        [20] = ("68 s", "113", "133"),
        [60] = ("88 s", "364", "419"),
    };

    private readonly Report _report = new();

    public async Task RunAsync(CancellationToken cancel)
    {
        _report.Add("executable", Report.Megabytes(new FileInfo(Locations.Flanneld).Length), "35 MB", "< 17 MB");
        await OneNodeAsync(cancel).ConfigureAwait(false);
        foreach (var nodes in options.Nodes)
        {
            await ManyNodesAsync(nodes, cancel).ConfigureAwait(false);
        }
        _report.Print(output);
    }

    private async Task OneNodeAsync(CancellationToken cancel)
    {
        var single = new SingleNode(options);
        _report.Section($"one node, start to READY=1 (median of {options.Runs})");
        await StartsAsync($"new lease, writes settle in {options.SettleMilliseconds} ms", "5.1 s", "", false, () => single.NewLeaseAsync(options.SettleMilliseconds, cancel)).ConfigureAwait(false);
        await StartsAsync("new lease, writes settle at once", "58 ms", "", false, () => single.NewLeaseAsync(0, cancel)).ConfigureAwait(false);
        await StartsAsync("found lease", "40 ms", "40 ms", true, () => single.FoundLeaseAsync(0, cancel)).ConfigureAwait(false);
        await StartsAsync($"found lease, API calls take {options.LatencyMilliseconds} ms", "215 ms", "40 ms", true, () => single.FoundLeaseAsync(options.LatencyMilliseconds, cancel)).ConfigureAwait(false);

        _report.Add("in each of them: start and end of an empty program", Report.Times(await single.OwnShareAsync(cancel).ConfigureAwait(false)));

        output.WriteLine($"memory, {options.IdleSeconds} s idle …");
        var memory = await single.MemoryAsync(cancel).ConfigureAwait(false);
        _report.Section("resident memory of one node that is the controller too");
        _report.Add("after ready", Report.Megabytes(memory.Ready), "30 MB", "< 25 MB");
        _report.Add($"after {options.IdleSeconds} s idle", Report.Megabytes(memory.Idle), "", "< 25 MB");
        _report.Add("the most it ever was", Report.Megabytes(memory.Peak));
    }

    private async Task StartsAsync(string what, string go, string aim, bool found, Func<Task<IReadOnlyList<SingleNode.Start>>> measure)
    {
        output.WriteLine($"{what} …");
        var starts = await measure().ConfigureAwait(false);
        _report.Add(what, Report.Times([.. starts.Select(start => start.Ready)]), go, aim);
        _report.AddCounts("  API calls until then", starts[^1].Api, found ? "7" : "", found ? "0" : "");
        _report.AddCounts("  etcd requests until then", starts[^1].Etcd);
    }

    private async Task ManyNodesAsync(int nodes, CancellationToken cancel)
    {
        output.WriteLine($"{nodes} nodes that boot together …");
        var go = s_go.GetValueOrDefault(nodes, ("", "", ""));
        var result = await ManyNodes.RunAsync(nodes, options.SettleMilliseconds, cancel).ConfigureAwait(false);
        _report.Section($"{nodes} nodes that boot together, writes settle in {options.SettleMilliseconds} ms");
        _report.Add("last ready", Report.Time(result.LastReady), go.Item1, nodes == 20 ? "3 s" : "");
        _report.Add("half of them ready", Report.Time(result.MedianReady));
        _report.Add("crashes", result.Crashes.ToString(CultureInfo.InvariantCulture), go.Item2, "0");
        _report.Add("creating calls", result.CreatingCalls.ToString(CultureInfo.InvariantCulture), go.Item3, "");
        _report.Add("all route writes", result.RouteWrites.ToString(CultureInfo.InvariantCulture), "", nodes == 20 ? "6" : "");
        _report.AddCounts("all API calls", result.Api);
        _report.AddCounts("etcd requests", result.Etcd);
    }
}
