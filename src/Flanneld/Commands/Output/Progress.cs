using Flannel.Core;

namespace Flanneld.Commands.Output;

/// <summary>Says on stderr what a command waits for, if that takes longer than a second.</summary>
internal static class Progress
{
    private const string EraseLine = "\r\e[K";

    private static readonly TimeSpan QuietTime = TimeSpan.FromSeconds(1);

    /// <summary>Awaits a task. After a second it prints <c>waiting for … ...</c> once. On a terminal, the line is erased at the
    /// end.</summary>
    /// <param name="what">What is waited for, such as <c>etcd at http://192.168.1.11:2379</c>.</param>
    public static async Task RunAsync(string what, Task task)
    {
        await TaskWait.WaitAsync(task, QuietTime, TimeProvider.System, CancellationToken.None);
        if (task.IsCompleted)
        {
            await task;
            return;
        }

        var isErasable = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is { Length: > 0 } and not "dumb";
        await Console.Error.WriteAsync($"waiting for {what} ...{(isErasable ? "" : "\n")}");
        try
        {
            await task;
        }
        finally
        {
            if (isErasable) await Console.Error.WriteAsync(EraseLine);
        }
    }

    /// <summary>The same for a task with a result.</summary>
    public static async Task<T> RunAsync<T>(string what, Task<T> task)
    {
        await RunAsync(what, (Task)task);
        return await task;
    }
}
