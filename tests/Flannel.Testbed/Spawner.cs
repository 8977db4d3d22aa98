using System.Collections.Concurrent;
using System.Diagnostics;

namespace Flannel.Testbed;

/// <summary>
/// Starts processes from one thread that lives as long as we do. The kernel delivers "your parent died" when the THREAD that forked
/// ends: a child of a pool thread would be killed whenever the pool shrinks.
/// </summary>
internal static class Spawner
{
    private static readonly BlockingCollection<Action> work = [];

    static Spawner() => new Thread(Work) { IsBackground = true, Name = "spawner" }.Start();

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
