using System.Diagnostics;

namespace Flannel.Testbed;

/// <summary>
/// Starts processes from one thread that lives as long as this process. The kernel sends the signal of PR_SET_PDEATHSIG when the thread
/// that forked ends, so that a child of a pool thread would be killed when the pool shrinks.
/// </summary>
internal static class ProcessStarter
{
    private static readonly WorkerThread thread = new("process starter");

    public static async Task StartAsync(Process process)
    {
        try
        {
            await thread.RunAsync(process.Start);
        }
        catch (Exception e)
        {
            throw new TestbedException($"cannot start {process.StartInfo.FileName}: {e.Message}", e);
        }
    }
}
