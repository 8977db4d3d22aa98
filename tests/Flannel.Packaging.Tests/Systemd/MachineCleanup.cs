using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Systemd;

/// <summary>The end of a machine of a test.</summary>
internal static class MachineCleanup
{
    /// <summary>Writes the log of the machine to the test output if the test has failed; disposes of the machine, and asserts that nothing
    /// of it remains on the host.</summary>
    /// <param name="folder">A folder whose mounts would remain.</param>
    /// <param name="logCommand">Prints the log.</param>
    public static async Task DisposeAsync(SystemdMachine machine, string folder, string logCommand)
    {
        if (TestContext.Current.TestState?.Result == TestResult.Failed)
        {
            TestContext.Current.TestOutputHelper?.WriteLine((await machine.TryAsync(logCommand, CancellationToken.None)).Output);
        }
        await machine.DisposeAsync();
        Assert.Empty(SystemdMachine.RemainingResources(machine.Name, folder));
    }
}
