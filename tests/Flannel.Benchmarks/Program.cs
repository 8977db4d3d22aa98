using System.Runtime.InteropServices;
using Flannel.Benchmarks;
using Flannel.Benchmarks.Scale;
using Flannel.Testbed;

if (args is ["--help"] or ["-h"])
{
    Console.WriteLine(BenchOptions.Help);
    return 0;
}
if (BenchOptions.Parse(args) is not { } options)
{
    Console.Error.WriteLine(BenchOptions.Help);
    return 2;
}

using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
try
{
    if (options.Benchmark == Benchmark.Cluster)
        return await ClusterFaults.RunAsync(options.Nodes[0], Console.Out, stop.Token) ? 0 : 1;
    await (options.Benchmark switch
    {
        Benchmark.EtcdLoad => new EtcdLoadBenchmark(options.Nodes, Console.Out).RunAsync(stop.Token),
        Benchmark.Failover => new FailoverBenchmark(options, Console.Out).RunAsync(stop.Token),
        Benchmark.Scale => new ScaleBenchmark(options.Nodes, Console.Out).RunAsync(stop.Token),
        Benchmark.Datapath => new DatapathBenchmark(options, Console.Out).RunAsync(stop.Token),
        Benchmark.Start => new StartBenchmark(options, Console.Out).RunAsync(stop.Token),
        Benchmark.Join => new JoinBenchmark(options, Console.Out).RunAsync(stop.Token),
        _ => new StandardBenchmark(options, Console.Out).RunAsync(stop.Token),
    });
    return 0;
}
catch (Exception) when (stop.IsCancellationRequested)
{
    return 130;
}
catch (TestbedException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

void Stop(PosixSignalContext context)
{
    context.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
}
