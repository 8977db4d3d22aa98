namespace Flannel.Core;

/// <summary>Waits that stay in the caller's <see cref="SynchronizationContext"/>. Code that the simulation runs must not continue on the
/// thread pool, because the simulation's scheduler decides the order of all steps. It uses these methods instead of
/// <see cref="Task.WaitAsync(CancellationToken)"/> and of <see cref="Task.WhenAny(Task, Task)"/> with a delay, awaits without
/// <c>ConfigureAwait(false)</c>, and cancels with <see cref="CancellationTokenSource.Cancel()"/> instead of
/// <see cref="CancellationTokenSource.CancelAsync"/>. The daemon has no context: there these waits cost nothing.</summary>
public static class TaskWait
{
    /// <summary>Awaits a task without throwing its failure or cancellation.</summary>
    public const ConfigureAwaitOptions IgnoringFailure =
        ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext;

    /// <summary>Returns when the task has completed, however it ended, or when the time has passed; after a day at the
    /// latest (<see cref="TimerRange"/>).</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async Task WaitAsync(Task task, TimeSpan atMost, TimeProvider time, CancellationToken cancellation)
    {
        var completed = new TaskCompletionSource();
        using var timer = time.CreateTimer(
            static state => ((TaskCompletionSource)state!).TrySetResult(), completed, TimerRange.Clamp(atMost), Timeout.InfiniteTimeSpan);
        using var cancelled = cancellation.UnsafeRegister(static state => ((TaskCompletionSource)state!).TrySetResult(), completed);
        // Such a task would complete WhenAny on the thread pool. An await of it returns to the context.
        var isAsynchronous = task.CreationOptions.HasFlag(TaskCreationOptions.RunContinuationsAsynchronously);
        await Task.WhenAny(isAsynchronous ? CompletionAsync(task) : task, completed.Task);
        cancellation.ThrowIfCancellationRequested();
    }

    private static async Task CompletionAsync(Task task) => await task.ConfigureAwait(IgnoringFailure);
}
