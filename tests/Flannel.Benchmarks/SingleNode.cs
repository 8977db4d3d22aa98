using System.Diagnostics;
using Flannel.Testbed;

namespace Flannel.Benchmarks;

/// <summary>The only node of a VPC, which is therefore the route controller.</summary>
internal sealed class SingleNode(BenchOptions options)
{
    private static readonly TimeSpan afterReady = TimeSpan.FromSeconds(2);

    /// <summary>The measurements of one start.</summary>
    internal sealed record Start(TimeSpan Ready, IReadOnlyDictionary<string, long> Etcd, IReadOnlyDictionary<string, long> Api);

    /// <summary>Starts with an empty etcd and an empty route table.</summary>
    public async Task<IReadOnlyList<Start>> NewLeaseAsync(int settleMilliseconds, CancellationToken cancel)
    {
        List<Start> starts = [];
        for (var run = 0; run < options.Runs; run++)
        {
            await using var vpc = await StartVpcAsync(settleMilliseconds, cancel);
            starts.Add(await StartAsync(vpc, cancel));
        }
        return starts;
    }

    /// <summary>Restarts with an existing lease and route.</summary>
    public async Task<IReadOnlyList<Start>> FoundLeaseAsync(int latencyMilliseconds, CancellationToken cancel)
    {
        List<Start> starts = [];
        await using var vpc = await StartVpcAsync(0, cancel);
        await StartAsync(vpc, cancel);
        await vpc.Control.SetSettingsAsync(new { apiLatencyMilliseconds = latencyMilliseconds }, cancel);
        for (var run = 0; run < options.Runs; run++)
        {
            await vpc.Instances[0].Daemon!.StopAsync(cancel);
            starts.Add(await StartAsync(vpc, cancel));
        }
        return starts;
    }

    /// <summary>Like <see cref="NewLeaseAsync"/>, traced by strace.</summary>
    public async Task<IReadOnlyList<StartTimeline>> NewLeaseTimelinesAsync(CancellationToken cancel)
    {
        List<StartTimeline> timelines = [];
        for (var run = 0; run < options.Runs; run++)
        {
            await using var vpc = await StartVpcAsync(0, cancel);
            timelines.Add(await TraceAsync(vpc, cancel));
        }
        return timelines;
    }

    /// <summary>Like <see cref="FoundLeaseAsync"/>, traced by strace.</summary>
    public async Task<IReadOnlyList<StartTimeline>> FoundLeaseTimelinesAsync(CancellationToken cancel)
    {
        List<StartTimeline> timelines = [];
        await using var vpc = await StartVpcAsync(0, cancel);
        await StartAsync(vpc, cancel);
        for (var run = 0; run < options.Runs; run++)
        {
            await vpc.Instances[0].Daemon!.StopAsync(cancel);
            timelines.Add(await TraceAsync(vpc, cancel));
        }
        return timelines;
    }

    public async Task<NodeMemory> MemoryAsync(CancellationToken cancel)
    {
        await using var vpc = await StartVpcAsync(0, cancel);
        await StartAsync(vpc, cancel);
        var daemon = vpc.Instances[0].Daemon!;
        await Task.Delay(afterReady, cancel);
        var ready = daemon.Memory;
        await Task.Delay(TimeSpan.FromSeconds(options.IdleSeconds), cancel);
        return new NodeMemory(ready, await MedianAsync(daemon, cancel));
    }

    /// <summary>The median of a minute: a daemon gives back memory after each pass of a minute, and one moment says little.</summary>
    private static async Task<ResidentMemory> MedianAsync(DaemonProcess daemon, CancellationToken cancel)
    {
        const int seconds = 60;
        List<ResidentMemory> samples = [];
        for (var second = 0; second < seconds; second++)
        {
            samples.Add(daemon.Memory);
            await Task.Delay(TimeSpan.FromSeconds(1), cancel);
        }

        return samples.OrderBy(memory => memory.Total).ElementAt(seconds / 2);
    }

    /// <summary>The time of the wrappers of the test bed (setsid, setpriv, exec), which each start includes.</summary>
    public async Task<IReadOnlyList<TimeSpan>> WrapperTimeAsync(CancellationToken cancel)
    {
        List<TimeSpan> times = [];
        for (var run = 0; run < options.Runs; run++)
        {
            var start = new ProgramStart("/bin/true", []) { Unprivileged = true, Environment = new Dictionary<string, string>() };
            await using var process = await ChildProcess.StartAsync(start);
            await process.WaitForExitAsync(cancel);
            times.Add(Stopwatch.GetElapsedTime(process.StartedAt));
        }
        return times;
    }

    private static async Task<LoopbackVpc> StartVpcAsync(int settleMilliseconds, CancellationToken cancel)
    {
        var vpc = await LoopbackVpc.StartAsync(
            new CloudSetup { Instances = CloudSetup.MakeInstances(1), RouteWriteMilliseconds = settleMilliseconds }, cancel);
        await vpc.PublishConfigAsync(cancel);
        return vpc;
    }

    private static async Task<StartTimeline> TraceAsync(LoopbackVpc vpc, CancellationToken cancel)
    {
        var instance = vpc.Instances[0];
        // Not in a folder of the test bed: what the daemon sends to the cloud contains secrets.
        using var folder = new RunFolder("strace");
        var file = Path.Combine(folder.CreateWritableSubfolder("trace"), "strace");
        instance.Wrapper = StartTimeline.Tracer(file);
        var daemon = await instance.StartDaemonAsync();
        instance.Wrapper = [];
        await daemon.WaitForReadyAsync(cancel);
        await daemon.StopAsync(cancel);
        await daemon.WaitForLogAsync("stopped", cancel);
        return StartTimeline.Parse(await File.ReadAllLinesAsync(file, cancel), vpc.Etcd.Endpoint.Port);
    }

    private static async Task<Start> StartAsync(LoopbackVpc vpc, CancellationToken cancel)
    {
        await vpc.Control.ClearCallsAsync(cancel);
        var before = await vpc.Etcd.RequestsAsync(cancel);
        var daemon = await vpc.Instances[0].StartDaemonAsync();
        var ready = await daemon.WaitForReadyAsync(cancel);
        // etcd first: its counters have no timestamps, and the controller continues to work after READY=1.
        var after = await vpc.Etcd.RequestsAsync(cancel);
        var readyAt = (await daemon.Notify.Ready).Time;
        var calls = (await vpc.Control.CallsAsync(cancel)).Where(call => call.Time <= readyAt);
        return new Start(ready, CallCounts.Difference(before, after), CallCounts.ByAction(calls));
    }
}
