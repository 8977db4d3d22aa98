using System.Runtime.InteropServices;
using Flannel.Demo;
using Flannel.Demo.Dashboard;
using Flannel.Testbed;

const int failed = 1;
const int usage = 2;
const int interrupted = 130;

if (args is not [] and not ["--keep"] and not ["--dashboard", _])
{
    Console.Error.WriteLine("usage: ./build.sh demo [--keep], or ./build.sh dashboard [FILE]");
    return usage;
}

using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, StopOnce);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, StopOnce);
var output = new DemoOutput(Console.Out);
TestVpc? vpc = null;
try
{
    if (args is ["--dashboard", var file])
    {
        await using var recorder = new DashboardRecorder(output);
        await recorder.RunAsync(file, stop.Token);
        return 0;
    }
    var noDataPath = await NetworkNamespace.UnavailableAsync(stop.Token);
    DemoScenario.Introduce(output, noDataPath);
    vpc = await DemoScenario.BuildAsync(output, noDataPath, stop.Token);
    await using var scenario = new DemoScenario(output, vpc);
    await scenario.RunAsync(stop.Token);
    if (args is ["--keep"])
    {
        await KeepRunning.WaitAsync(output, vpc, stop.Token);
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
    foreach (var instance in vpc?.Instances ?? [])
    {
        output.Log(instance);
    }
    return failed;
}
finally
{
    if (vpc is not null)
    {
        await vpc.DisposeAsync();
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
