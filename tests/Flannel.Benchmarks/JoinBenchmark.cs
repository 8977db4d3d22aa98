using System.Diagnostics;
using System.Globalization;
using Flannel.Testbed;

namespace Flannel.Benchmarks;

/// <summary><c>./build.sh bench join</c>: one node that joins (<see cref="JoinTimes"/>), then daemons with a cloud that executes one route
/// write at a time. They start at the same time, one after another, and run idle for an hour.</summary>
internal sealed class JoinBenchmark(BenchOptions options, TextWriter output)
{
    /// <summary>Runs one hour of the default of 60 s in one minute: the flag sets the interval of all reads of the cloud.</summary>
    private const string FastResync = "--route-resync=1";

    private static readonly TimeSpan hour = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan settled = TimeSpan.FromSeconds(5);

    private readonly List<string[]> rows = [["NODES", "WHAT", "LAST READY", "MEDIAN", "CRASHES", "WRITES", "CALLS BY KIND"]];

    public async Task RunAsync(CancellationToken cancel)
    {
        await new JoinTimes(options, output).RunAsync(cancel);
        foreach (var nodes in options.Nodes)
        {
            await TogetherAsync(nodes, cancel);
            await OneAfterAnotherAsync(nodes, cancel);
            await IdleAsync(nodes, cancel);
        }
        if (rows.Count == 1) return;
        Table.Print(rows, output, 1);
        output.WriteLine();
        output.WriteLine($"A route write blocks the VPC for {options.SettleMilliseconds} ms.");
        output.WriteLine($"All daemons, etcd and the simulated cloud share {Environment.ProcessorCount} processors.");
        output.WriteLine("One after another: each daemon starts after the previous one is ready; the times are from start to READY=1.");
        output.WriteLine($"The idle hour is simulated in {hour.TotalSeconds:0} s with {FastResync} in place of the default of 60 s.");
        output.WriteLine(
            "The interval between passes is 0.9 to 1 times that flag: about 63 per hour. The calls show the number of passes.");
    }

    private async Task TogetherAsync(int nodes, CancellationToken cancel)
    {
        output.WriteLine($"{nodes} nodes at the same time …");
        var result = await ManyNodes.RunAsync(nodes, options.SettleMilliseconds, cancel);
        Add(nodes, "same time", Report.Time(result.LastReady), Report.Time(result.MedianReady), result.Crashes,
            result.RouteWrites, result.Api);
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
        await Task.WhenAll(vpc.Instances.Select(instance =>
            ManyNodes.RunNodeAsync(instance, Stopwatch.GetTimestamp(), cancel, FastResync)));
        // The rate limit delays the calls that switch the source/destination checks off.
        await Eventually.HasAsync("all checks are off", async () =>
            CallCounts.ByAction(await vpc.Control.CallsAsync(cancel))
                .GetValueOrDefault("ModifyNetworkInterfaceAttribute") >= nodes ? "off" : null,
            cancel, TimeSpan.FromMinutes(2));
        await Task.Delay(settled, cancel);
        await vpc.Control.ClearCallsAsync(cancel);
        await Task.Delay(hour, cancel);
        var calls = (await vpc.Control.CallsAsync(cancel)).Where(call => call.Service != "metadata").ToList();
        var callers = calls.GroupBy(call => call.InstanceId).OrderByDescending(group => group.Count()).ToList();
        if (callers.Count != 1) throw new TestbedException($"{callers.Count} instances called the API in an idle hour");
        Add(nodes, "idle hour, the route controller", "", "", 0, Writes(CallCounts.ByAction(calls)), CallCounts.ByAction(calls));
        Add(nodes, "idle hour, all other nodes", "", "", 0, 0, CallCounts.ByAction(calls.Where(call => call.InstanceId != callers[0].Key)));
    }

    private static long Writes(IReadOnlyDictionary<string, long> calls) =>
        calls.Where(pair => CallCounts.IsRouteWrite(pair.Key)).Sum(pair => pair.Value);

    private void Add(
        int nodes, string title, string last, string median, int crashes, long writes, IReadOnlyDictionary<string, long> calls) =>
        rows.Add([
            nodes.ToString(CultureInfo.InvariantCulture), title, last, median, crashes.ToString(CultureInfo.InvariantCulture),
            writes.ToString(CultureInfo.InvariantCulture), Text(calls)]);

    private static string Text(IReadOnlyDictionary<string, long> calls)
    {
        var counts = calls.OrderByDescending(pair => pair.Value).Select(pair => $"{pair.Key} {pair.Value}");
        return string.Create(CultureInfo.InvariantCulture, $"{calls.Values.Sum()}: {string.Join(", ", counts)}");
    }
}
