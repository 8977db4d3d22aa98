using System.Runtime.InteropServices;
using Flannel.Demo;
using Flannel.Testbed;

const int brokenPromise = 1;
const int usage = 2;
const int interrupted = 130;

if (args is not [] and not ["--keep"])
{
    Console.Error.WriteLine("usage: ./build.sh demo [--keep]");
    return usage;
}

using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, StopOnce);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, StopOnce);
var screen = new Screen(Console.Out);
TestVpc? vpc = null;
try
{
    var noDataPath = await NetworkNamespace.UnavailableAsync(stop.Token);
    Story.Introduce(screen, noDataPath);
    vpc = await Story.BuildAsync(screen, noDataPath, stop.Token);
    await using var story = new Story(screen, vpc);
    await story.TellAsync(stop.Token);
    if (args is ["--keep"])
    {
        await LookAround.WaitAsync(screen, vpc, stop.Token);
    }
    await story.EndAsync();
    return 0;
}
catch (Exception) when (stop.IsCancellationRequested)
{
    screen.Say();
    screen.Say("Interrupted.");
    return interrupted;
}
catch (TestbedException broken)
{
    screen.Say();
    screen.Say($"NOT AS PROMISED: {broken.Message}");
    foreach (var instance in vpc?.Instances ?? [])
    {
        screen.Log(instance);
    }
    return brokenPromise;
}
finally
{
    if (vpc is not null)
    {
        await vpc.DisposeAsync();
        screen.Say("Everything that the demo made is gone again.");
    }

    screen.Summarise();
}

void StopOnce(PosixSignalContext context)
{
    // A second Ctrl-C ends at once; what is left then is removed when the process ends, or by the next run.
    context.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
}
