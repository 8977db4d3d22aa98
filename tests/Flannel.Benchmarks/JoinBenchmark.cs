using System.Diagnostics;
using System.Globalization;
using Flannel.Testbed;

namespace Flannel.Benchmarks;

/// <summary><c>./build.sh bench join</c>: real daemons against a cloud that takes one route write at a time, and needs its time for each. All at once, one after another, and
/// what an hour costs in which nothing happens.</summary>
internal sealed class JoinBenchmark(BenchOptions options, TextWriter output)
{
    /// <summary>An hour of the default <c>--route-resync</c> of 60 s, sixty times as fast: the very same work, for the pace of all that reads the cloud is that flag.</summary>
    private const string FastResync = "--route-resync=1";

    private static readonly TimeSpan hour = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan settled = TimeSpan.FromSeconds(5);

    private readonly List<string[]> rows = [["NODES", "WHAT", "LAST READY", "HALF", "CRASHES", "WRITES", "CALLS BY KIND"]];

    public async Task RunAsync(CancellationToken cancel)
    {
        foreach (var nodes in options.Nodes)
        {
            await TogetherAsync(nodes, cancel);
            await OneAfterAnotherAsync(nodes, cancel);
            await IdleAsync(nodes, cancel);
        }
        var widths = Enumerable.Range(0, rows[0].Length - 1).Select(column => rows.Max(row => row[column].Length)).ToArray();
        output.WriteLine();
        foreach (var row in rows)
        {
            output.WriteLine(string.Join("  ", [.. widths.Select((width, column) => column == 1 ? row[column].PadRight(width) : row[column].PadLeft(width)), row[^1]]));
        }
        output.WriteLine();
        output.WriteLine($"A route write holds the VPC for {options.SettleMilliseconds} ms. All daemons, etcd and the simulated cloud share {Environment.ProcessorCount} processors.");
        output.WriteLine("One after another: the next daemon is started when the one before is ready; the times are those of single nodes, from start to READY=1.");
        output.WriteLine($"The idle hour is {JoinBenchmark.hour.TotalSeconds:0} s with {FastResync}: the reading of an hour at the default of 60 s, sixty times as fast. A comparison every 0.9 to 1 times");
        output.WriteLine("that flag makes 63 an hour; so fast, some fewer fit in: the listings of the tables tell how many there were.");
    }

    private async Task TogetherAsync(int nodes, CancellationToken cancel)
    {
        output.WriteLine($"{nodes} nodes at once …");
        var result = await ManyNodes.RunAsync(nodes, options.SettleMilliseconds, cancel);
        Add(nodes, "at once", Report.Time(result.LastReady), Report.Time(result.MedianReady), result.Crashes, result.RouteWrites, result.Api);
    }

    private async Task OneAfterAnotherAsync(int nodes, CancellationToken cancel)
    {
        output.WriteLine($"{nodes} nodes one after another …");
        await using var vpc = await ManyNodes.StartVpcAsync(nodes, options.SettleMilliseconds, cancel);
        List<TimeSpan> times = [];
        foreach (var instance in vpc.Instances)
        {
            var daemon = await instance.StartDaemonAsync();
            times.Add(await daemon.WaitForReadyAsync(cancel));
        }
        var calls = CallCounts.ByAction(await vpc.Control.CallsAsync(cancel));
        times.Sort();
        Add(nodes, "one after another", Report.Time(times[^1]), Report.Time(times[times.Count / 2]), 0, Writes(calls), calls);
    }

    private async Task IdleAsync(int nodes, CancellationToken cancel)
    {
        output.WriteLine($"{nodes} nodes, an idle hour …");
        await using var vpc = await ManyNodes.StartVpcAsync(nodes, options.SettleMilliseconds, cancel);
        await Task.WhenAll(vpc.Instances.Select(instance => ManyNodes.RunNodeAsync(instance, Stopwatch.GetTimestamp(), cancel, FastResync)));
        // The interfaces' checks are switched off beside the routes, at the pace of the budget.
        await Eventually.HasAsync("all checks are off", async () =>
            CallCounts.ByAction(await vpc.Control.CallsAsync(cancel)).GetValueOrDefault("ModifyNetworkInterfaceAttribute") >= nodes ? "off" : null,
            cancel, TimeSpan.FromMinutes(2));
        await Task.Delay(settled, cancel);
        await vpc.Control.ForgetCallsAsync(cancel);
        await Task.Delay(JoinBenchmark.hour, cancel);
        var calls = (await vpc.Control.CallsAsync(cancel)).Where(call => call.Service != "metadata").ToList();
        var callers = calls.GroupBy(call => call.InstanceId).OrderByDescending(group => group.Count()).ToList();
        if (callers.Count != 1) throw new TestbedException($"{callers.Count} instances called the API in an idle hour");
        Add(nodes, "idle hour, the route controller", "", "", 0, Writes(CallCounts.ByAction(calls)), CallCounts.ByAction(calls));
        Add(nodes, "idle hour, all other nodes", "", "", 0, 0, CallCounts.ByAction(calls.Where(call => call.InstanceId != callers[0].Key)));
    }

    private static long Writes(IReadOnlyDictionary<string, long> calls) => calls.Where(pair => CallCounts.IsRouteWrite(pair.Key)).Sum(pair => pair.Value);

    private void Add(int nodes, string what, string last, string half, int crashes, long writes, IReadOnlyDictionary<string, long> calls) => rows.Add([
        nodes.ToString(CultureInfo.InvariantCulture), what, last, half, crashes.ToString(CultureInfo.InvariantCulture), writes.ToString(CultureInfo.InvariantCulture),
        string.Create(CultureInfo.InvariantCulture, $"{calls.Values.Sum()}: {string.Join(", ", calls.OrderByDescending(pair => pair.Value).Select(pair => $"{pair.Key} {pair.Value}"))}")]);
}
