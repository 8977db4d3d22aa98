using Flannel.Core;

namespace Flannel.Etcd;

/// <summary>Nothing above the connection leaves the context that it runs in: no await without it, no
/// <see cref="CancellationTokenSource.CancelAsync"/>, which hands its callbacks to the thread pool. So a scheduler of a test decides the order
/// of everything, and in the daemon, which has no context, a cancelled wait costs no thread hop. What is cancelled here are timers and
/// requests: their callbacks are short.</summary>
internal static class Awaiting
{
    /// <summary>For a task whose failure says nothing new.</summary>
    public const ConfigureAwaitOptions InPlace = ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext;

    /// <summary>Until the task is done, however it ends, or the time is over, or a day (<see cref="TimerRange"/>). (A cancelled <see cref="Task.Delay(TimeSpan, TimeProvider,
    /// CancellationToken)"/> in a <see cref="Task.WhenAny(Task, Task)"/> would go on by way of the thread pool.)</summary>
    public static async Task WaitAsync(Task task, TimeSpan atMost, TimeProvider time, CancellationToken cancellation)
    {
        var over = new TaskCompletionSource();
        using var timer = time.CreateTimer(static state => ((TaskCompletionSource)state!).TrySetResult(), over, TimerRange.Clamp(atMost), Timeout.InfiniteTimeSpan);
        using var cancelled = cancellation.UnsafeRegister(static state => ((TaskCompletionSource)state!).TrySetResult(), over);
        await Task.WhenAny(task, over.Task);
        cancellation.ThrowIfCancellationRequested();
    }
}
