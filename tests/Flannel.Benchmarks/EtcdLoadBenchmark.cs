using System.Diagnostics;
using System.Globalization;
using Etcdserverpb;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Flannel.Testbed;
using Google.Protobuf;

namespace Flannel.Benchmarks;

/// <summary><c>./build.sh bench etcd-load</c>: the load of many nodes that start at the same time on one real etcd, and the time of each
/// start.</summary>
internal sealed class EtcdLoadBenchmark(IReadOnlyList<int> nodeCounts, TextWriter output)
{
    private const string Config = """{"Network":"10.0.0.0/8","SubnetLen":24,"Backend":{"Type":"ali-vpc"}}""";
    private const int ManyLeases = 65_000;
    private static readonly Flannel.Etcd.Registry.EtcdKeys keys = Flannel.Etcd.Registry.EtcdKeys.Parse("/coreos.com/network").Value;

    private readonly List<string[]> rows =
        [["NODES", "WHAT", "LAST", "MEDIAN", "SUBNETS", "REQUESTS/NODE", "READ/NODE", "CONFLICTS", "ETCD CPU", "NODE CPU"]];

    public async Task RunAsync(CancellationToken cancel)
    {
        foreach (var nodes in nodeCounts) await StartNodesAsync(nodes, cancel);
        await ManyLeasesAsync(cancel);
        Table.Print(rows, output, 1);
        output.WriteLine();
        output.WriteLine(
            "A start reads the configuration, leases a subnet and starts the watch. "
            + "All nodes run in one process with one connection each;");
        output.WriteLine($"etcd and the nodes share {Environment.ProcessorCount} processors.");
    }

    private async Task StartNodesAsync(int count, CancellationToken cancel)
    {
        using var folder = new RunFolder("load");
        await using var etcd = await EtcdServer.StartAsync(Path.Combine(folder.Path, "etcd"), cancel);
        await etcd.Keys.PutAsync(keys.Config.ToStringUtf8(), Config, cancel);
        var conflicts = new EtcdLoadNode.ConflictCounter();
        List<EtcdLoadNode> nodes = [.. Enumerable.Range(1, count)
            .Select(number => new EtcdLoadNode(number, Options(etcd), keys, conflicts))];
        await MeasureAsync("new leases", etcd, nodes, conflicts, cancel);
        nodes = await RestartAsync(nodes, withFile: true);
        await MeasureAsync("restart with subnet.env", etcd, nodes, conflicts, cancel);
        nodes = await RestartAsync(nodes, withFile: false);
        await MeasureAsync("restart without subnet.env", etcd, nodes, conflicts, cancel);
        foreach (var node in nodes) await node.DisposeAsync();
    }

    private async Task ManyLeasesAsync(CancellationToken cancel)
    {
        using var folder = new RunFolder("load");
        await using var etcd = await EtcdServer.StartAsync(Path.Combine(folder.Path, "etcd"), cancel);
        output.WriteLine($"{ManyLeases} leases are created …");
        await etcd.Keys.PutAsync(keys.Config.ToStringUtf8(), Config, cancel);
        await FillAsync(etcd, cancel);
        var conflicts = new EtcdLoadNode.ConflictCounter();
        for (var run = 1; run <= 2; run++)
        {
            // The first run includes JIT compilation.
            var node = new EtcdLoadNode(run, Options(etcd), keys, conflicts);
            var before = GC.GetTotalAllocatedBytes(precise: true);
            await MeasureAsync($"new lease with {ManyLeases} leases{(run == 1 ? ", cold" : "")}", etcd, [node], conflicts, cancel);
            output.WriteLine($"  {Report.Megabytes(GC.GetTotalAllocatedBytes(precise: true) - before)} allocated");
            var again = await RestartAsync([node], withFile: true);
            await MeasureAsync($"restart with {ManyLeases} leases", etcd, again, conflicts, cancel);
            await again[0].DisposeAsync();
        }
    }

    private static async Task FillAsync(EtcdServer etcd, CancellationToken cancel)
    {
        const int batch = 100;
        using var connection = new EtcdConnection(Options(etcd), TimeProvider.System, new Random(), new EtcdLoadNode.ConflictCounter());
        var lease = Random.Shared.NextInt64(1, long.MaxValue);
        await connection.LeaseGrantAsync(lease, TimeSpan.FromDays(1), cancel);
        for (var first = 1; first <= ManyLeases; first += batch)
        {
            var request = new TxnRequest();
            for (var number = first; number < first + batch; number++)
            {
                var key = new SubnetKey(new Ipv4Network(new Ipv4Address(0x0A000000 + ((uint)number << 8)), 24));
                var value = EtcdLoadNode.Attributes(number, new Ipv4Address(0xC0000000 + (uint)number)).ToJson();
                request.Success.Add(new RequestOp
                {
                    RequestPut = new PutRequest
                    {
                        Key = keys.Lease(key),
                        Value = ByteString.CopyFrom(value),
                        Lease = lease
                    }
                });
            }
            await connection.TxnAsync(request, cancel);
        }
    }

    private async Task MeasureAsync(
        string title, EtcdServer etcd, List<EtcdLoadNode> nodes, EtcdLoadNode.ConflictCounter conflicts, CancellationToken cancel)
    {
        const string sent = "etcd_network_client_grpc_sent_bytes_total";
        const string cpu = "process_cpu_seconds_total";
        output.WriteLine($"{nodes.Count} nodes: {title} …");
        var (requestsBefore, bytesBefore, etcdCpuBefore, conflictsBefore) = (await etcd.RequestsAsync(cancel),
            await etcd.MetricAsync(sent, cancel), await etcd.MetricAsync(cpu, cancel), conflicts.Lost);
        var nodeCpuBefore = Environment.CpuUsage.TotalTime;
        var started = Stopwatch.GetTimestamp();
        var times = await Task.WhenAll(nodes.Select(async node =>
        {
            await Task.Yield();
            await node.StartAsync(cancel);
            return Stopwatch.GetElapsedTime(started);
        }));
        var nodeCpu = Environment.CpuUsage.TotalTime - nodeCpuBefore;
        Array.Sort(times);
        var requests = CallCounts.Difference(requestsBefore, await etcd.RequestsAsync(cancel));
        var distinct = nodes.Select(node => node.Subnet).Distinct().Count();
        if (distinct != nodes.Count) throw new TestbedException($"{nodes.Count} nodes hold {distinct} distinct subnets");
        var read = (await etcd.MetricAsync(sent, cancel) - bytesBefore) / nodes.Count;
        var etcdCpu = await etcd.MetricAsync(cpu, cancel) - etcdCpuBefore;
        rows.Add([
            nodes.Count.ToString(CultureInfo.InvariantCulture), title, Report.Time(times[^1]), Report.Time(times[times.Length / 2]),
            distinct.ToString(CultureInfo.InvariantCulture),
            (requests.Values.Sum() / (double)nodes.Count).ToString("0.00", CultureInfo.InvariantCulture), $"{read / 1000:0.0} kB",
            (conflicts.Lost - conflictsBefore).ToString(CultureInfo.InvariantCulture), $"{etcdCpu:0.00} s", Report.Time(nodeCpu)]);
        var counts = requests.OrderByDescending(pair => pair.Value).Select(pair => $"{pair.Key} {pair.Value}");
        output.WriteLine($"  {string.Join(", ", counts)}");
    }

    private static async Task<List<EtcdLoadNode>> RestartAsync(List<EtcdLoadNode> nodes, bool withFile)
    {
        await Task.WhenAll(nodes.Select(node => node.StopAsync()));
        return [.. nodes.Select(node => node.Restarted(withFile))];
    }

    private static EtcdOptions Options(EtcdServer etcd) =>
        EtcdOptions.Create(etcd.Endpoint.GetLeftPart(UriPartial.Authority)).Value;
}
