using System.Runtime.InteropServices;
using Flannel.Demo;
using Flannel.Demo.Dashboard;
using Flannel.Testbed;

const int failed = 1;
const int usage = 2;
const int interrupted = 130;

var keeps = args.Contains("--keep");
var isKubernetes = args.Contains("--kubernetes");
if (args is not ["--dashboard", _] && args.Except(["--keep", "--kubernetes"]).Any())
{
    Console.Error.WriteLine("usage: ./build.sh demo [--keep] [--kubernetes], or ./build.sh dashboard [FILE]");
    return usage;
}

using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, StopOnce);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, StopOnce);
var output = new DemoOutput(Console.Out);
IDemoStore? store = null;
try
{
    if (args is ["--dashboard", var file])
    {
        await using var recorder = new DashboardRecorder(output);
        await recorder.RunAsync(file, stop.Token);
        return 0;
    }
    var noDataPath = await NetworkNamespace.UnavailableAsync(stop.Token);
    DemoScenario.Introduce(output, isKubernetes, noDataPath);
    store = await DemoScenario.BuildAsync(output, isKubernetes, noDataPath, stop.Token);
    await using var scenario = new DemoScenario(output, store);
    await scenario.RunAsync(stop.Token);
    if (keeps)
    {
        await KeepRunning.WaitAsync(output, store, stop.Token);
    }
    await scenario.StopDaemonsAsync();
    return 0;
}
catch (Exception) when (stop.IsCancellationRequested)
{
    output.WriteLine();
    output.WriteLine("Interrupted.");
    return interrupted;
}
catch (TestbedException e)
{
    output.WriteLine();
    output.WriteLine($"FAILED: {e.Message}");
    foreach (var instance in store?.Vpc.Instances ?? [])
    {
        output.Log(instance);
    }
    return failed;
}
finally
{
    if (store is not null)
    {
        await store.DisposeAsync();
        output.WriteLine("All namespaces, processes and files of the demo are removed.");
    }

    output.WriteSummary();
}

void StopOnce(PosixSignalContext context)
{
    // A second Ctrl-C ends the process at once; the rest is removed at its exit or by the next run.
    context.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
}
