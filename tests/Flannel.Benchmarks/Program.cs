using System.Runtime.InteropServices;
using Flannel.Benchmarks;
using Flannel.Benchmarks.Scale;
using Flannel.Testbed;

if (args is ["--help"] or ["-h"])
{
    Console.WriteLine(BenchOptions.Help);
    return 0;
}
var clusterNodes = ClusterFaults.Parse(args);
if (BenchOptions.Parse(clusterNodes is null ? args : []) is not { } options)
{
    Console.Error.WriteLine(BenchOptions.Help);
    return 2;
}

using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
try
{
    if (clusterNodes is { } nodes)
    {
        return await ClusterFaults.RunAsync(nodes, Console.Out, stop.Token) ? 0 : 1;
    }
    await (options switch
    {
        { EtcdLoadNodes: { } nodeCounts } => new EtcdLoadBenchmark(nodeCounts, Console.Out).RunAsync(stop.Token),
        { FailoverOnly: true } => new FailoverBenchmark(options, Console.Out).RunAsync(stop.Token),
        { ScaleOnly: true } => new ScaleBenchmark(options.Nodes, Console.Out).RunAsync(stop.Token),
        { DatapathOnly: true } => new DatapathBenchmark(options, Console.Out).RunAsync(stop.Token),
        { StartsOnly: true } => new StartBenchmark(options, Console.Out).RunAsync(stop.Token),
        { JoinsOnly: true } => new JoinBenchmark(options, Console.Out).RunAsync(stop.Token),
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
