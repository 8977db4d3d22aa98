using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

internal static class DaemonLogs
{
    /// <summary>Writes the output of the daemons to the test output if the current test has failed.</summary>
    public static void WriteIfFailed(IEnumerable<EcsInstance> instances)
    {
        if (TestContext.Current.TestState?.Result != TestResult.Failed)
        {
            return;
        }
        foreach (var instance in instances.Where(instance => instance.Daemon is not null))
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"--- flanneld on {instance.InstanceId}\n{instance.Daemon!.AllOutput}");
        }
    }
}
