using System.Globalization;
using Etcdserverpb;
using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Tests.Support;
using Flannel.AliCloud.Vpc;
using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.Etcd.Model;
using Flannel.Etcd.Registry;
using Flannel.RouteController.Tests.Scale;
using Flannel.RouteController.Tests.Support;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flannel.Benchmarks.Scale;

/// <summary><c>./build.sh bench scale</c>: what the route controller and a node compute and allocate for many leases, in this process. The
/// controller runs in virtual time, over a cloud and a store that cost next to nothing.</summary>
internal sealed class ScaleBenchmark(IReadOnlyList<int> leaseCounts, TextWriter output)
{
    private const int Tables = 10;
    private const int Passes = 10;
    private const int Events = 3;
    private static readonly EtcdKeys keys = EtcdKeys.Parse("/coreos.com/network").Value;

    private readonly List<string[]> rows = [["LEASES", "WHAT", "CPU", "ALLOCATED", "PASSES", "PAGES", "OTHER CALLS", "TIME"]];

    public async Task RunAsync(CancellationToken cancel)
    {
        // The first runs are slower, because the JIT compiles.
        for (var i = 0; i < 3; i++) await MeasureAsync(leaseCounts.Min(), isPrinted: false);
        foreach (var count in leaseCounts)
        {
            cancel.ThrowIfCancellationRequested();
            output.WriteLine($"{count} leases …");
            await MeasureAsync(count, isPrinted: true);
        }

        Table.Print(rows, output, 1);
        output.WriteLine();
        output.WriteLine($"One VPC with {Tables} route tables, each with an entry for every lease.");
        output.WriteLine("A pass, an event and the idle hour are the controller alone, unless the line says that reading is added.");
        output.WriteLine("TIME is virtual: a call takes 1 ms, and the controller keeps the rate limits of the API.");
    }

    private async Task MeasureAsync(int leases, bool isPrinted)
    {
        var read = await ReadAsync(leases);
        var controller = MeasureController(leases);
        var watch = await WatchAsync(leases);
        if (!isPrinted) return;
        Add(leases, $"read {Tables} tables: client, JSON", read);
        Add(leases, "start of a term, all routes exist", controller.Start);
        rows.Add([Text(leases), "memory in use in a term", "", Report.Megabytes(controller.InUse), "", "", "", ""]);
        Add(leases, "one pass", controller.Pass);
        Add(leases, "one lease event, to available", controller.Event);
        Add(leases, "an idle hour", controller.Hour);
        Add(leases, "an idle hour, with reading", controller.Hour.Plus(read, (double)controller.Hour.Pages / read.Pages));
        Add(leases, "one lease event on a node that watches all", watch);
    }

    private void Add(int leases, string title, Cost cost) => rows.Add([
        leases.ToString(CultureInfo.InvariantCulture), title,
        string.Create(CultureInfo.InvariantCulture, $"{cost.Cpu.TotalMilliseconds:0.0} ms"),
        string.Create(CultureInfo.InvariantCulture, $"{cost.Bytes / 1e6:0.00} MB"), Text(cost.Passes), Text(cost.Pages),
        Text(cost.OtherCalls),
        cost.Time == default ? "" : Report.Time(cost.Time)]);

    private static string Text(long number) => number == 0 ? "" : number.ToString(CultureInfo.InvariantCulture);

    private static ControllerCosts MeasureController(int leases)
    {
        ControllerCosts? costs = null;
        VirtualTime.Run(async time =>
        {
            var before = GC.GetTotalMemory(forceFullCollection: true);
            using var cluster = new ScaleCluster(time, leases, Tables);
            var start = await Measurement.OfAsync(cluster, time, cluster.StartAsync);
            var inUse = GC.GetTotalMemory(forceFullCollection: true) - before;
            var pass = await Measurement.OfAsync(cluster, time, () => cluster.PassAsync(Passes));
            var hour = await Measurement.OfAsync(cluster, time, () => time.Pass(TimeSpan.FromHours(1)));
            var events = await Measurement.OfAsync(cluster, time, async () =>
            {
                for (var i = 0; i < Events; i++) await cluster.JoinAsync();
            });
            costs = new ControllerCosts(start, pass.DividedBy(Passes), events.DividedBy(Events), hour)
            {
                InUse = inUse,
            };
            await cluster.StopAsync();
        });
        return costs!;
    }

    /// <summary>Reads all tables once by the real client, from responses in memory.</summary>
    private static async Task<Cost> ReadAsync(int leases)
    {
        const int repetitions = 3;
        List<RouteEntry> entries = [.. Enumerable.Range(1, leases).Select(node => new RouteEntry(
            ScaleCloud.TableId(0), $"rte-bp1{node:d17}", ScaleLeases.SubnetOf(node), ScaleLeases.SubnetOf(node).ToString(), true,
            RouteEntryStatus.Available, ScaleTerm.Mark.Token, ScaleTerm.Mark.Description,
            [new NextHop("Instance", ScaleLeases.DataOf(node, Tables).InstanceId)]))];
        var context = new CloudContext(
            new CloudApiOptions { ProgramVersion = "bench" }, TimeProvider.System, new Random(1), NullLogger.Instance)
        {
            Handler = new PagedEntries(entries),
        };
        using var api = new CloudApi(context, StaticCredentials.Of("LTAIbench", "secret"));
        var measurement = Measurement.Begin();
        for (var i = 0; i < Tables * repetitions; i++)
        {
            var result = await api.DescribeRouteEntryListAsync(ScaleLeases.Region, ScaleCloud.TableId(0), CancellationToken.None);
            if (result.Value?.Count != leases) throw new InvalidOperationException($"the list failed: {result.Error}");
        }

        var pages = (leases + CloudLimits.EntriesPerPage - 1) / CloudLimits.EntriesPerPage;
        return measurement.End().DividedBy(repetitions) with { Pages = pages * Tables };
    }

    /// <summary>What one changed lease costs a node that watches all leases (backend <c>vxlan</c>, <c>Fallback</c>), until it has the new
    /// snapshot.</summary>
    private static async Task<Cost> WatchAsync(int leases)
    {
        const int events = 20;
        var etcd = new ModelEtcd(TimeProvider.System);
        var context = new EtcdContext(etcd, keys, TimeProvider.System, new Random(1), NullLogger.Instance);
        for (var node = 1; node <= leases; node++) await PutAsync(etcd, node);
        using var stop = new CancellationTokenSource();
        var watcher = new LeaseWatcher(context);
        var running = watcher.RunAsync(stop.Token);
        var newest = await watcher.CurrentAsync(stop.Token);
        // The stream must exist before the events, or they come with the first list.
        await Task.Delay(TimeSpan.FromMilliseconds(100));
        var measurement = Measurement.Begin();
        for (var i = 1; i <= events; i++)
        {
            await PutAsync(etcd, i);
            await watcher.ChangedAfterAsync(newest.Generation, stop.Token);
            newest = await watcher.CurrentAsync(stop.Token);
        }

        var cost = measurement.End().DividedBy(events);
        stop.Cancel();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return newest.Leases.Count == leases ? cost : throw new InvalidOperationException($"{newest.Leases.Count} leases were watched");
    }

    private static Task<TxnResponse> PutAsync(ModelEtcd etcd, int node)
    {
        var attributes = new LeaseAttributes(
            new(0xC0A80000 + (uint)node), null, FlannelContract.AliVpcBackend, ScaleLeases.DataOf(node, Tables).ToJson(), null);
        var put = new PutRequest
        {
            Key = keys.Lease(new SubnetKey(ScaleLeases.SubnetOf(node))),
            Value = ByteString.CopyFrom(attributes.ToJson()),
        };
        return etcd.TxnAsync(new TxnRequest { Success = { new RequestOp { RequestPut = put } } }, CancellationToken.None);
    }

    private sealed record ControllerCosts(Cost Start, Cost Pass, Cost Event, Cost Hour)
    {
        /// <summary>Bytes of the objects in use: leases, entries, and what the controller keeps of them.</summary>
        public long InUse { get; init; }
    }
}
