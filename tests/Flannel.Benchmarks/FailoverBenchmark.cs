using System.Globalization;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Flannel.Etcd.Election;
using Flannel.Etcd.Registry;
using Flannel.Testbed;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flannel.Benchmarks;

/// <summary><c>./build.sh bench failover</c>: the time from the end of one route controller to the first call of the next, and what a
/// shorter term would cost.</summary>
internal sealed class FailoverBenchmark(BenchOptions options, TextWriter output)
{
    private const int Nodes = 3;

    // The call with which a term begins, after the election.
    private const string FirstAction = "DescribeRouteTableList";

    private static readonly TimeSpan limit = TimeSpan.FromSeconds(60);

    // Longer than a node waits until it becomes the standby.
    private static readonly TimeSpan standbyTime = TimeSpan.FromSeconds(65);

    private static readonly TimeSpan countingTime = TimeSpan.FromSeconds(30);

    private static readonly int[] termSeconds = [10, 5, 3];
    private static readonly double[] pauseSeconds = [0.5, 1, 1.5, 2, 2.5, 3, 4, 5];

    private readonly List<string[]> rows = [["WHAT", "MEDIAN (MIN … MAX)"]];

    public async Task RunAsync(CancellationToken cancel)
    {
        await DaemonsAsync(cancel);
        await TermsAsync(cancel);
        Table.Print(rows, output, 0);
        output.WriteLine();
        output.WriteLine($"{Nodes} daemons, etcd and the simulated cloud share {Environment.ProcessorCount} processors.");
        output.WriteLine($"From the signal to the first {FirstAction} of the next route controller.");
        output.WriteLine("etcd is paused with SIGSTOP. The terms of one length are in different phases of their renewals.");
    }

    private async Task DaemonsAsync(CancellationToken cancel)
    {
        await using var vpc = await ManyNodes.StartVpcAsync(Nodes, options.SettleMilliseconds, cancel);
        foreach (var instance in vpc.Instances) await (await instance.StartDaemonAsync()).WaitForReadyAsync(cancel);
        List<TimeSpan> stopped = [], withoutStandby = [], killed = [];
        for (var run = 0; run < options.Runs; run++)
        {
            output.WriteLine($"run {run + 1} of {options.Runs} …");
            withoutStandby.Add(await ReplaceAsync(vpc, daemon => daemon.StopAsync(cancel), cancel));
            await Task.Delay(standbyTime, cancel);
            stopped.Add(await ReplaceAsync(vpc, daemon => daemon.StopAsync(cancel), cancel));
            killed.Add(await ReplaceAsync(vpc, daemon => daemon.KillAsync(cancel), cancel));
        }

        rows.Add(["stopped (SIGTERM), with a standby", Report.Times(stopped)]);
        rows.Add(["stopped within 30 s of the election: no standby yet", Report.Times(withoutStandby)]);
        rows.Add(["killed (SIGKILL), as by a loss of power", Report.Times(killed)]);
    }

    /// <summary>Ends the route controller, and starts its daemon again when another one has replaced it.</summary>
    private static async Task<TimeSpan> ReplaceAsync(LoopbackVpc vpc, Func<DaemonProcess, Task<int>> end, CancellationToken cancel)
    {
        var controller = (await vpc.Control.CallsAsync(cancel)).Last(call => call.Action == FirstAction).InstanceId;
        var instance = vpc.Instances.First(each => each.InstanceId == controller);
        var began = DateTimeOffset.UtcNow;
        await end(instance.Daemon!);
        CloudCall? first = null;
        await Eventually.IsAsync("another route controller calls the API", async () =>
        {
            first = (await vpc.Control.CallsAsync(cancel))
                .FirstOrDefault(call => call.Time > began && call.Action == FirstAction && call.InstanceId != controller);
            return first is not null;
        }, cancel, limit);
        await (await instance.StartDaemonAsync()).WaitForReadyAsync(cancel);
        return first!.Time - began;
    }

    /// <summary>Terms of several lengths with the same etcd.</summary>
    private async Task TermsAsync(CancellationToken cancel)
    {
        using var folder = new RunFolder("failover");
        await using var etcd = await EtcdServer.StartAsync(Path.Combine(folder.Path, "etcd"), cancel);
        foreach (var seconds in termSeconds)
        {
            var term = TimeSpan.FromSeconds(seconds);
            var before = await etcd.RequestsAsync(cancel);
            await using var renewed = await CampaignAsync(etcd, $"/renewed-{seconds}", term, cancel);
            await Task.Delay(countingTime, cancel);
            var renewals = CallCounts.Difference(before, await etcd.RequestsAsync(cancel)).GetValueOrDefault("LeaseKeepAlive");
            var perMinute = renewals * (TimeSpan.FromMinutes(1) / countingTime);
            rows.Add([$"term of {seconds} s: renewals each minute", perMinute.ToString("0", CultureInfo.InvariantCulture)]);
            rows.Add([$"term of {seconds} s: lost after pauses of etcd of", await LostAfterAsync(etcd, term, cancel)]);
        }
    }

    private async Task<string> LostAfterAsync(EtcdServer etcd, TimeSpan term, CancellationToken cancel)
    {
        const int phases = 4;
        List<string> results = [];
        foreach (var seconds in pauseSeconds)
        {
            output.WriteLine($"term of {term.TotalSeconds} s, etcd pauses for {seconds} s …");
            var tried = new List<ElectedTerm>();
            for (var phase = 0; phase < phases; phase++)
            {
                tried.Add(await CampaignAsync(etcd, $"/{term.TotalSeconds}-{seconds}-{phase}", term, cancel));
                await Task.Delay(term / 3 / phases, cancel);
            }

            etcd.Process.Pause();
            await Task.Delay(TimeSpan.FromSeconds(seconds), cancel);
            etcd.Process.Resume();
            await Task.Delay(TimeSpan.FromSeconds(1), cancel);
            var lost = tried.Count(each => each.Lost.IsCancellationRequested);
            if (lost > 0) results.Add(string.Create(CultureInfo.InvariantCulture, $"{seconds} s: {lost} of {phases}"));
            foreach (var each in tried) await each.DisposeAsync();
        }

        return results.Count == 0 ? "none" : string.Join(", ", results);
    }

    private static Task<ElectedTerm> CampaignAsync(EtcdServer etcd, string prefix, TimeSpan term, CancellationToken cancel)
    {
        var endpoint = EtcdOptions.Create(etcd.Endpoint.GetLeftPart(UriPartial.Authority)).Value;
        var connection = new EtcdConnection(endpoint, TimeProvider.System, new Random(), NullLogger.Instance);
        var context = new EtcdContext(
            connection, EtcdKeys.Parse(prefix).Value, TimeProvider.System, new Random(), NullLogger.Instance);
        return new EtcdElection(context, new ControllerHolder("i-1", "192.168.0.1"), () => null, term).CampaignAsync(cancel);
    }
}
