using System.Collections.Concurrent;
using System.Diagnostics;

namespace Flannel.Testbed;

/// <summary>
/// Starts processes from one thread that lives as long as this process. The kernel sends the signal of PR_SET_PDEATHSIG when the thread
/// that forked ends, so that a child of a pool thread would be killed when the pool shrinks.
/// </summary>
internal static class ProcessStarter
{
    private static readonly BlockingCollection<Action> work = [];

    static ProcessStarter() => new Thread(Work) { IsBackground = true, Name = "process starter" }.Start();

    public static Task StartAsync(Process process)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        work.Add(() =>
        {
            try
            {
                process.Start();
                done.SetResult();
            }
            catch (Exception e)
            {
                done.SetException(new TestbedException($"cannot start {process.StartInfo.FileName}: {e.Message}", e));
            }
        });
        return done.Task;
    }

    private static void Work()
    {
        foreach (var action in work.GetConsumingEnumerable())
        {
            action();
        }
    }
}
