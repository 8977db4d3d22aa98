using System.Globalization;
using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.Benchmarks;

/// <summary><c>./build.sh bench datapath</c>: throughput, latency and processor time between containers of two nodes, with backend ali-vpc
/// and with backend vxlan. The VPC's router is a network namespace of this kernel.</summary>
internal sealed class DatapathBenchmark(BenchOptions options, TextWriter output)
{
    private const string Iperf = "/usr/bin/iperf3";
    private const int Pings = 200;
    private const double BitsPerGigabit = 1e9;

    private readonly Report report = new("ALI-VPC", "VXLAN", "RATIO");

    /// <summary>The result of one backend.</summary>
    /// <param name="Mtu">Of the containers, in bytes.</param>
    /// <param name="BitsPerSecond">The median of the runs.</param>
    /// <param name="CpuSecondsPerGigabit">Of all processors, sender, receiver and router together.</param>
    private sealed record Sample(int Mtu, double BitsPerSecond, double CpuSecondsPerGigabit, double RoundTripMilliseconds);

    public async Task RunAsync(CancellationToken cancel)
    {
        if (await NetworkNamespace.UnavailableAsync(cancel) is { } reason) throw new TestbedException(reason);
        if (!File.Exists(Iperf)) throw new TestbedException($"no {Iperf}: install iperf3");
        output.WriteLine($"{options.Runs} runs of {options.Seconds} s with each backend …");
        var routed = await MeasureAsync("ali-vpc", cancel);
        var tunnel = await MeasureAsync("vxlan", cancel);

        report.Section($"containers of two nodes, one TCP stream, median of {options.Runs} runs of {options.Seconds} s");
        Add("MTU of the containers", routed.Mtu, tunnel.Mtu, "0", " bytes");
        Add("throughput", routed.BitsPerSecond / 1e9, tunnel.BitsPerSecond / 1e9, "0.00", " Gbit/s");
        Add("processor time per gigabit", routed.CpuSecondsPerGigabit * 1e3, tunnel.CpuSecondsPerGigabit * 1e3, "0", " ms");
        Add($"round trip, mean of {Pings} pings", routed.RoundTripMilliseconds, tunnel.RoundTripMilliseconds, "0.000", " ms");
        report.Print(output);
        output.WriteLine();
        output.WriteLine($"Sender, receiver and the simulated VPC share {Environment.ProcessorCount} processors.");
    }

    private void Add(string title, double routed, double tunnel, string format, string unit) => report.Add(
        title, routed.ToString(format, CultureInfo.InvariantCulture) + unit, tunnel.ToString(format, CultureInfo.InvariantCulture) + unit,
        (tunnel / routed).ToString("0.00", CultureInfo.InvariantCulture));

    private async Task<Sample> MeasureAsync(string backend, CancellationToken cancel)
    {
        await using var vpc = await VpcTopology.StartAsync(new CloudSetup { Instances = CloudSetup.MakeInstances(2) }, cancel);
        await vpc.PublishConfigAsync(cancel, $$$"""{"Network":"{{{TestVpc.Network}}}","Backend":{"Type":"{{{backend}}}"}}""");
        foreach (var instance in vpc.Instances)
        {
            instance.HasNetAdmin = backend == "vxlan";
            var daemon = await instance.StartDaemonAsync();
            await daemon.WaitForReadyAsync(cancel);
        }

        await using var client = await Container.StartAsync(vpc.Instances[0], cancel);
        await using var server = await Container.StartAsync(vpc.Instances[1], cancel);
        await client.WaitForPingAsync(server.Address, cancel);
        var mtu = (await vpc.Instances[0].ReadSubnetFileAsync(cancel))!["FLANNEL_MTU"];
        var roundTrip = await PingAsync(client, server.Address, cancel);
        await using var listening = await ChildProcess.StartAsync(
            new ProgramStart(Iperf, ["--server", "--interval", "0"]) { Namespace = server.Namespace });
        return await TransferAsync(client, server.Address, cancel) with
        {
            Mtu = int.Parse(mtu, CultureInfo.InvariantCulture),
            RoundTripMilliseconds = roundTrip,
        };
    }

    private static async Task<double> PingAsync(Container from, string address, CancellationToken cancel)
    {
        var result = await from.PingAsync(address, cancel, Pings);
        return result.Milliseconds ?? throw new TestbedException($"{address} does not reply to pings");
    }

    private async Task<Sample> TransferAsync(Container from, string address, CancellationToken cancel)
    {
        List<Sample> samples = [];
        for (var run = 0; run < options.Runs; run++)
        {
            var before = BusySeconds();
            var end = await IperfAsync(from, address, cancel);
            var busy = BusySeconds() - before;
            var bits = end["sum_received"]!["bytes"]!.GetValue<double>() * 8;
            samples.Add(new Sample(
                0, end["sum_received"]!["bits_per_second"]!.GetValue<double>(), busy / (bits / BitsPerGigabit), 0));
        }

        return samples.OrderBy(sample => sample.BitsPerSecond).ElementAt(samples.Count / 2);
    }

    private async Task<JsonNode> IperfAsync(Container from, string address, CancellationToken cancel)
    {
        var seconds = options.Seconds.ToString(CultureInfo.InvariantCulture);
        // The server may not listen yet.
        for (var attempt = 1; ; attempt++)
        {
            var result = await from.Namespace.ExecAsync(Iperf, ["--client", address, "--time", seconds, "--json"], cancel);
            if (result.ExitCode == 0) return JsonNode.Parse(result.Output)!["end"]!;
            if (attempt == 10) throw new TestbedException($"iperf3: {result.Output}{result.Error}");
            await Task.Delay(TimeSpan.FromMilliseconds(200), cancel);
        }
    }

    /// <summary>The time that all processors of this machine were busy since its start.</summary>
    private static double BusySeconds()
    {
        const double ticksPerSecond = 100; // USER_HZ, proc_stat(5)
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Skip(1).Select(text => long.Parse(text, CultureInfo.InvariantCulture)).ToArray();
        // user, nice, system, idle, iowait, irq, softirq, steal
        return (fields[0] + fields[1] + fields[2] + fields[5] + fields[6]) / ticksPerSecond;
    }
}
