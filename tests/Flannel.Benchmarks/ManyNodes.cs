using System.Diagnostics;
using Flannel.Testbed;

namespace Flannel.Benchmarks;

/// <summary>Nodes that start at the same time. A daemon that ends is restarted at once, as systemd does, and counted as a crash.</summary>
internal static class ManyNodes
{
    private static readonly TimeSpan limit = TimeSpan.FromMinutes(5);

    /// <param name="Ready">From the start of the first node to READY=1 of this one.</param>
    internal sealed record NodeRun(TimeSpan Ready, int Crashes);

    /// <param name="LastReady">From the first start to the last READY=1.</param>
    internal sealed record Result(TimeSpan LastReady, TimeSpan MedianReady, int Crashes,
        IReadOnlyDictionary<string, long> Api, IReadOnlyDictionary<string, long> Etcd)
    {
        public long CreatingCalls =>
            Api.Where(pair => pair.Key.StartsWith("CreateRouteEntr", StringComparison.Ordinal)).Sum(pair => pair.Value);

        public long RouteWrites => Api.Where(pair => CallCounts.IsRouteWrite(pair.Key)).Sum(pair => pair.Value);
    }

    public static async Task<Result> RunAsync(int nodes, int settleMilliseconds, CancellationToken cancel)
    {
        await using var vpc = await StartVpcAsync(nodes, settleMilliseconds, cancel);
        var before = await vpc.Etcd.RequestsAsync(cancel);
        var started = Stopwatch.GetTimestamp();
        var runs = await Task.WhenAll(vpc.Instances.Select(instance => RunNodeAsync(instance, started, cancel)));

        var calls = await vpc.Control.CallsAsync(cancel);
        var after = await vpc.Etcd.RequestsAsync(cancel);
        var routes = (await vpc.Control.CustomRoutesAsync(cancel)).Count(entry => entry.Status == "Available");
        if (routes != nodes)
        {
            throw new TestbedException($"{nodes} nodes are ready and {routes} routes are available");
        }
        TimeSpan[] ready = [.. runs.Select(run => run.Ready).Order()];
        return new Result(ready[^1], ready[ready.Length / 2], runs.Sum(run => run.Crashes), CallCounts.ByAction(calls),
            CallCounts.Difference(before, after));
    }

    /// <summary>Starts the cloud and etcd with a configuration, without daemons.</summary>
    public static async Task<LoopbackVpc> StartVpcAsync(int nodes, int settleMilliseconds, CancellationToken cancel)
    {
        // The quota must not limit the number of nodes.
        var setup = new CloudSetup
        {
            Instances = CloudSetup.MakeInstances(nodes),
            RouteWriteMilliseconds = settleMilliseconds,
            RouteEntryQuota = Math.Max(200, nodes)
        };
        var vpc = await LoopbackVpc.StartAsync(setup, cancel);
        await vpc.PublishConfigAsync(cancel);
        return vpc;
    }

    /// <param name="started">The timestamp of the start of the first node.</param>
    public static async Task<NodeRun> RunNodeAsync(
        EcsInstance instance, long started, CancellationToken cancel, params string[] flags)
    {
        var crashes = 0;
        var daemon = await instance.StartDaemonAsync(flags);
        while (true)
        {
            if (daemon.Notify.First("READY=1") is { } ready)
            {
                return new NodeRun(Stopwatch.GetElapsedTime(started, ready.At), crashes);
            }
            if (daemon.HasExited)
            {
                crashes++;
                daemon = await instance.StartDaemonAsync(flags);
            }
            if (Stopwatch.GetElapsedTime(started) > limit)
            {
                throw new TestbedException($"{instance.InstanceId} is not ready after {limit}\n{daemon.AllOutput}");
            }
            await Task.Delay(Eventually.Interval, cancel);
        }
    }
}
